"""A million random arrivals against an oracle, in bounded memory: nobody too many, and hardly anybody too few."""

import random

import pytest

from tests.limits.oracle import most_in_a_window
from vgate.limits.account import Account, Place
from vgate.limits.base import Limits

TRIALS = 1_000_000
WINDOW_S = 60.0
# (requests, tokens, arrivals per window as a multiple of what is allowed): few and many, just enough and far too many.
TRAFFIC = [
    (10, None, 3.0),
    (100, None, 1.1),
    (1_000, None, 0.95),
    (5_000, None, 2.0),
    (None, 1_000, 2.0),
    (None, 100_000, 1.5),
    (2_000, 300_000, 1.3),
    (20_000, 2_000_000, 4.0),
]


class Greedy:
    """The limit itself, by the exact time of each that was let in; its tokens are known from the start."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.admitted: list[tuple[float, int]] = []
        self._first = self._tokens = 0

    def enter(self, tokens: int, now: float) -> None:
        while self._first < len(self.admitted) and self.admitted[self._first][0] + WINDOW_S <= now:
            self._tokens -= self.admitted[self._first][1]
            self._first += 1
        most, room = self._limits.requests, self._limits.tokens
        if most is not None and len(self.admitted) - self._first >= most:
            return
        if room is None or self._tokens + tokens <= room:
            self._tokens += tokens
            self.admitted.append((now, tokens))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("requests", "tokens", "load"), TRAFFIC)
def test_R1_R6_random_arrivals_none_too_many_and_of_the_budget_99_percent(
    requests: int | None, tokens: int | None, load: float
) -> None:
    """In bursts, for tokens with reservations that turn out too high a little later; those are set right at the end."""
    order = random.Random(f"{requests} {tokens}")
    limits, account = Limits(WINDOW_S, requests, tokens), Account()
    greedy = Greedy(limits)
    largest = max(1, (tokens or 0) // 200)
    rate = load * min(requests or 1e9, (tokens or 1e12) / ((1 + largest) / 2)) / WINDOW_S
    now, admitted, refused = 0.0, list[tuple[float, int]](), 0
    unsettled: list[tuple[float, Place, int]] = []
    for _ in range(TRIALS // len(TRAFFIC)):
        now += order.expovariate(rate) if order.random() < 0.7 else 0.0
        rate_now = 10 * rate if order.random() < 0.02 else rate
        now += order.expovariate(rate_now) * 0.3
        while unsettled and unsettled[0][0] <= now:
            at, place, real = unsettled.pop(0)
            place.settle(real, at)
        real = order.randint(1, largest)
        reserved = real + order.randint(0, 3)
        standing = account.enter(limits, reserved, now)
        greedy.enter(real, now)
        if standing.refused:
            refused += 1
            continue
        admitted.append((now, real))
        unsettled.append((now + WINDOW_S / 5000, standing.place, real))
    assert requests is None or most_in_a_window([(at, 1) for at, _ in admitted], WINDOW_S) <= requests
    assert tokens is None or most_in_a_window(admitted, WINDOW_S) <= tokens
    ours, theirs = (_budget(made, tokens) for made in (admitted, greedy.admitted))
    assert ours >= 0.99 * theirs
    assert refused or load < 1


def _budget(admitted: list[tuple[float, int]], tokens: int | None) -> int:
    return len(admitted) if tokens is None else sum(amount for _, amount in admitted)
