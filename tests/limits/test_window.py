"""The sliding window against counting by hand."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgate.limits.window import EXACT, Window

# Multiples of 1/8, which add up exactly, so that "exactly one window ago" is hit often and means what it says.
GAPS = st.lists(st.tuples(st.integers(0, 24).map(lambda eighths: eighths / 8), st.integers(1, 4)), max_size=60)
LIMITS = st.integers(4, 12)
WINDOWS = st.integers(1, 40).map(lambda eighths: eighths / 8)


def used(admitted: list[tuple[float, int]], now: float, window_s: float) -> int:
    return sum(amount for at, amount in admitted if now - window_s < at <= now)


@given(LIMITS, WINDOWS, GAPS)
def test_R1_R4_it_counts_as_by_hand(limit: int, window_s: float, gaps: list[tuple[float, int]]) -> None:
    """And over every window, wherever it begins, no more than the limit is taken."""
    window, now, admitted = Window(), 0.0, list[tuple[float, int]]()
    for gap, amount in gaps:
        now += gap
        window.forget(now, window_s)
        assert window.taken == used(admitted, now, window_s)
        if window.wait_s(amount, limit, now, window_s) == 0:
            window.take(amount, now, window_s)
            admitted.append((now, amount))
    for start, _ in admitted:
        assert sum(amount for at, amount in admitted if start <= at < start + window_s) <= limit


@given(LIMITS, WINDOWS, GAPS)
def test_R8_the_times_it_gives_are_true(limit: int, window_s: float, gaps: list[tuple[float, int]]) -> None:
    """`wait_s` is when so much fits and not earlier; `free_in_s` is when nothing counts."""
    window, now, admitted = Window(), 0.0, list[tuple[float, int]]()
    for gap, amount in gaps:
        now += gap
        window.forget(now, window_s)
        wait = window.wait_s(amount, limit, now, window_s)
        assert used(admitted, now + wait, window_s) + amount <= limit
        assert wait == 0 or used(admitted, now + wait - 1 / 16, window_s) + amount > limit
        if wait == 0:
            window.take(amount, now, window_s)
            admitted.append((now, amount))
        assert used(admitted, now + window.free_in_s(now, window_s), window_s) == 0


def test_R6_what_is_given_back_is_free_at_once() -> None:
    window = Window()
    first, second = window.take(5, 0.0, 10.0), window.take(7, 1.0, 10.0)
    window.give_back(first, 3)
    assert window.taken == 9
    window.give_back(second, 7)
    assert (window.taken, window.free_in_s(2.0, 10.0)) == (2, 8.0)
    window.forget(10.0, 10.0)
    window.give_back(first, 2)
    assert window.taken == 0


def test_R9_it_keeps_no_more_than_its_bound_and_holds_back_no_longer_than_it_says() -> None:
    """A hundred thousand in a window, at random moments, are 513 entries; each counts for W, and for W/256 more."""
    order, window, now, window_s = random.Random(1), Window(), 0.0, 64.0
    times: list[float] = []
    for _ in range(300_000):
        now += order.expovariate(1500)
        window.forget(now, window_s)
        window.take(1, now, window_s)
        times.append(now)
    assert len(window) <= 2 * EXACT + 1
    assert window.taken >= sum(at > now - window_s for at in times)
    assert window.taken <= sum(at > now - window_s * (1 + 1 / EXACT) for at in times)


@pytest.mark.parametrize("now", [0.0, 1e9])
def test_a_fresh_window_is_all_free(now: float) -> None:
    window = Window()
    window.forget(now, 60.0)
    assert (window.taken, window.wait_s(2, 2, now, 60.0), window.free_in_s(now, 60.0), len(window)) == (0, 0.0, 0.0, 0)
