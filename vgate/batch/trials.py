"""Comparing two ways to admit by turns, with the engine's own latencies."""

import math
from collections.abc import Callable, Iterator
from statistics import fmean, stdev
from typing import NamedTuple

# One-sided 95 % points of Student's t for n - 1 degrees of freedom, n = 3 to 6 pairs.
_T95 = {3: 2.92, 4: 2.353, 5: 2.132, 6: 2.015}
_MOST_PAIRS = max(_T95)
# Logarithms of response times: less is not worth a change; so much needs no second pair; so much lost ends a trial.
_GAIN, _CLEAR_GAIN, _CLEAR_LOSS = 0.02, 1.0, 0.2
# Requests: of a turn that count, at least and at most; from one trial to the next, at first and at last.
_LEAST, _MOST, _PAUSE, _LONGEST_PAUSE = 16, 64, 32, 65_536
# Requests that a turn may take to find those that count; answers that fail or are left do not.
_LONGEST_TURN = 1024
# What trials may have lost, of all response time so far, for another one to begin.
_BUDGET = 0.01


class Policy(NamedTuple):
    """How to admit. `gate`: only when nothing is in the engine; `hold_s`: how long to wait for company then."""

    gate: bool = False
    hold_s: float = 0.0


class Trials:
    """Keeps to the best policy known and now and then tries another one against it.

    A trial takes turns, A B B A A B ..., until the pairs agree. A turn's score is the time from arrival to end per
    output token, over requests that came when those whom the turn before had let in were gone: in an open loop it is
    what the clients feel, and with a fixed number of clients its inverse is the throughput. When no candidate was
    better, the pause before the next round of trials doubles; and none begins as long as trials have cost more than 1 %
    of all response time.
    """

    def __init__(self, candidates: Callable[[Policy], Iterator[Policy]]) -> None:
        self.best = Policy()
        self.policy = Policy()
        self.turn = 0
        self._candidates = candidates
        self._left: Iterator[Policy] | None = None
        self._challenger: Policy | None = None
        self._tried = 0
        self._pause = _PAUSE
        self._wait = _PAUSE
        self._scores: list[float] = []
        self._settle = 0
        self._ended = 0
        self._lost = self._spent = 0.0
        self._sample: list[tuple[float, int]] = []

    @property
    def counts(self) -> bool:
        """Whether a request that comes now is part of the turn's score."""
        return self._challenger is not None and self._settle <= 0

    def ended(self, waiting: int, running: int, response_s: float | None, tokens: int, turn: int | None) -> None:
        """A request has ended, so many are left; `turn` as it was when it came, if it counted then."""
        self._spent += response_s or 0.0
        if self._challenger is None:
            self._wait -= 1
            if self._wait <= 0 and self._lost <= _BUDGET * self._spent:
                self._begin(running)
            return
        self._settle -= 1
        self._ended += 1
        if turn == self.turn and response_s is not None:
            self._sample.append((response_s, max(1, tokens)))
            if len(self._sample) >= min(_MOST, max(_LEAST, 2 * (waiting + running))):
                self._end_turn(running)
                return
        if self._ended >= _LONGEST_TURN:
            self._close(better=False)

    def give_up(self) -> None:
        """The policy in force holds requests up for too long: away with it."""
        if self.policy == self.best:
            self.best = Policy()
        self._close(better=False)

    def _begin(self, running: int) -> None:
        """The next candidate, or a pause when all have been tried."""
        if self._left is None:
            self._left, self._tried = self._candidates(self.best), 0
        self._challenger = next(self._left, None)
        if self._challenger is None:
            self._left = None
            self._pause = min(2 * self._pause, _LONGEST_PAUSE) if self._tried else self._pause
            self._wait = self._pause
            return
        self._scores = []
        self._tried += 1
        self._take_turn(running)

    def _take_turn(self, running: int) -> None:
        assert self._challenger is not None
        self.turn += 1
        self.policy = self.best if len(self._scores) % 4 in (0, 3) else self._challenger
        self._settle, self._ended = running, 0
        self._sample = []

    def _end_turn(self, running: int) -> None:
        tokens = sum(tokens for _, tokens in self._sample)
        self._scores.append(sum(time for time, _ in self._sample) / tokens)
        if self.policy != self.best:
            more = self._scores[-1] - self._scores[-2 if len(self._scores) % 4 == 2 else 0]
            self._lost += max(0.0, more) * self._ended * tokens / len(self._sample)
        better = verdict(gains(self._scores)) if len(self._scores) % 2 == 0 else None
        if better is None:
            self._take_turn(running)
        else:
            self._close(better)

    def _close(self, better: bool) -> None:
        if better and self._challenger is not None:
            self.best, self._left, self._pause = self._challenger, None, _PAUSE
        self.policy, self._challenger, self._wait = self.best, None, _PAUSE if better else 0
        self.turn += 1


def gains(scores: list[float]) -> list[float]:
    """Of turns A B B A A B ...: the logarithm of A / B of each pair, so that 0.1 is about 10 % less time in B."""
    pairs = zip(scores[::2], scores[1::2], strict=False)
    return [math.log(a / b) * (-1) ** number for number, (a, b) in enumerate(pairs)]


def verdict(found: list[float]) -> bool | None:
    """Whether the challenger is better; None: not known yet."""
    if found[0] < -_CLEAR_LOSS or found[0] > _CLEAR_GAIN:
        return found[0] > 0
    if len(found) not in _T95:
        return None
    mean, error = fmean(found), _T95[len(found)] * stdev(found) / math.sqrt(len(found))
    if mean - error > _GAIN:
        return True
    return False if mean + error < _GAIN or len(found) == _MOST_PAIRS else None
