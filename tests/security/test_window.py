"""The sliding window against counting by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgate.security.window import SlidingWindow

# Multiples of 1/8, which add up exactly, so that "exactly one window ago" is hit often and means what it says.
GAPS = st.lists(st.integers(0, 24).map(lambda eighths: eighths / 8), max_size=60)
LIMITS = st.integers(1, 5)
WINDOWS = st.integers(1, 40).map(lambda eighths: eighths / 8)


class Oracle:
    """Remembers every admission for ever."""

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit, self.window_s = limit, window_s
        self.admitted: list[float] = []

    def used(self, now: float) -> list[float]:
        return [time for time in self.admitted if now - self.window_s < time <= now]

    def take(self, now: float) -> bool:
        free = len(self.used(now)) < self.limit
        if free:
            self.admitted.append(now)
        return free


@given(LIMITS, WINDOWS, GAPS)
def test_R1_R4_it_decides_as_counting_by_hand_does(limit: int, window_s: float, gaps: list[float]) -> None:
    """A refusal consumes nothing: the oracle does not even note it."""
    window, oracle, now = SlidingWindow(limit, window_s), Oracle(limit, window_s), 0.0
    for gap in gaps:
        now += gap
        assert window.remaining(now) == limit - len(oracle.used(now))
        assert window.take(now) == oracle.take(now)


@given(LIMITS, WINDOWS, GAPS)
def test_R1_over_any_window_no_more_than_the_limit_pass(limit: int, window_s: float, gaps: list[float]) -> None:
    window, now, admitted = SlidingWindow(limit, window_s), 0.0, []
    for gap in gaps:
        now += gap
        admitted += [now] if window.take(now) else []
    for start in admitted:
        assert sum(start <= time < start + window_s for time in admitted) <= limit


@given(LIMITS, WINDOWS, GAPS)
def test_R8_the_times_it_gives_are_true(limit: int, window_s: float, gaps: list[float]) -> None:
    """`next_in` is when one more passes and not earlier; `free_in` is when the whole limit is free."""
    window, oracle, now = SlidingWindow(limit, window_s), Oracle(limit, window_s), 0.0
    for gap in gaps:
        now += gap
        window.take(now)
        oracle.take(now)
        wait = window.next_in(now)
        assert len(oracle.used(now + wait)) < limit
        assert wait == 0 or len(oracle.used(now + wait - 1 / 16)) == limit
        assert not oracle.used(now + window.free_in(now))
        assert window.free_in(now) >= wait


def test_R9_it_forgets_what_no_longer_counts() -> None:
    window = SlidingWindow(10, 1.0)
    for number in range(1000):
        window.take(number * 0.05)
    assert len(window._taken) <= 10


@pytest.mark.parametrize("now", [0.0, 1e9])
def test_a_fresh_window_is_all_free(now: float) -> None:
    window = SlidingWindow(2, 60.0)
    assert (window.remaining(now), window.next_in(now), window.free_in(now)) == (2, 0.0, 0.0)
