"""The circuit breaker of one worker: one whose requests keep failing is left alone for a while, then tried again."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

from vgate.workers.worker import Outcome

State = Literal["closed", "open", "half_open"]
STATES: tuple[State, ...] = ("closed", "open", "half_open")


@dataclass(frozen=True)
class BreakerPolicy:
    """When it opens, and for how long. Takes the keys of the section `breaker`."""

    failures: int
    failure_share: float
    window: int
    open_s: float
    max_open_s: float


class Breaker:
    """Closed: requests pass, and their outcomes are looked at. Open: none pass. Half open: one may, as a trial.

    It opens after `failures` in a row, or when of the last `window` outcomes a share of `failure_share` were failures;
    for `open_s`, and twice as long each time that a trial has failed, up to `max_open_s`. What ends ill or well that
    began before it opened, or was `reset`, says nothing any more. `now` is the event loop's time.
    """

    def __init__(self, policy: BreakerPolicy) -> None:
        self._policy = policy
        self._recent: deque[bool] = deque(maxlen=policy.window)
        self._in_a_row = 0
        self._reopened = 0
        self._trial = False
        self.until: float | None = None  # when it is half open; None: it is closed
        self.opened = 0

    def state(self, now: float) -> State:
        """What it is at that time."""
        if self.until is None:
            return "closed"
        return "half_open" if now >= self.until else "open"

    def allows(self, now: float) -> bool:
        """Whether a request may begin."""
        return self.until is None or (now >= self.until and not self._trial)

    @property
    def may_be_tried(self) -> bool:
        """Whether a request may begin if there is no other worker to send it to."""
        return not self._trial

    def began(self) -> bool:
        """A request begins; whether it is a trial, which `ended` is to be told."""
        if self.until is None:
            return False
        self._trial = True
        return True

    def reset(self) -> None:
        """The worker was down and is there again: its failures were those of a process that is gone."""
        self.until, self._trial, self._reopened = None, False, 0
        self._recent.clear()
        self._in_a_row = 0

    def ended(self, outcome: Outcome, now: float, *, trial: bool) -> bool:
        """A request has ended, or a trial's answer has begun; whether that has closed the breaker.

        "busy" and "left" do not count either way.
        """
        if trial and not self._trial:
            return False
        if trial:
            self._trial = False
        if outcome not in {"ok", "failed"} or (self.until is not None and not trial):
            return False
        failed = outcome == "failed"
        if trial:
            return self._tried(failed, now)
        self._recent.append(failed)
        self._in_a_row = self._in_a_row + 1 if failed else 0
        if failed and (self._in_a_row >= self._policy.failures or self._too_many()):
            self._open(now)
        return False

    def _tried(self, failed: bool, now: float) -> bool:
        if failed:
            self._reopened += 1
            self._open(now)
        else:
            self.until, self._reopened = None, 0
        return not failed

    def _open(self, now: float) -> None:
        pause_s = min(self._policy.open_s * 2.0 ** min(self._reopened, 64), self._policy.max_open_s)
        self.until = now + pause_s
        self.opened += 1
        self._recent.clear()
        self._in_a_row = 0

    def _too_many(self) -> bool:
        """Of fewer outcomes than the window holds no share is taken."""
        recent = self._recent
        return len(recent) == recent.maxlen and sum(recent) >= self._policy.failure_share * len(recent)
