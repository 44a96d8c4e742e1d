import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgate.harness.golden.timing import Stall, Timeline, Timing, truth

MOMENTS = st.lists(st.floats(0, 100), min_size=1, max_size=30).map(sorted)
TIMINGS = st.builds(
    Timing,
    ttft_ms=st.floats(0.1, 500),
    itl_ms=st.floats(0, 50),
    places=st.none() | st.integers(1, 4),
    stall=st.none() | st.builds(Stall, st.floats(0, 100), st.floats(0.01, 10)),
)


def firsts(timing: Timing, arrivals: list[float], tokens: int = 1) -> list[float]:
    return [first for first, _ in truth(timing, arrivals, tokens)]


def test_alone_it_is_the_work() -> None:
    assert truth(Timing(50, 10), [5.0], 4) == [(pytest.approx(5.05), pytest.approx(5.08))]


def test_a_place_is_taken_until_the_last_token() -> None:
    assert firsts(Timing(100, 50, places=1), [0.0, 0.0, 0.3, 5.0], tokens=3) == pytest.approx([0.1, 0.3, 0.5, 5.1])


def test_places_go_to_the_first_that_came() -> None:
    assert firsts(Timing(100, places=2), [0.0, 0.05, 0.06, 0.07]) == pytest.approx([0.1, 0.15, 0.2, 0.25])


@pytest.mark.parametrize(
    ("arrival", "first"),
    [(10.5, 10.6), (10.9, 11.0), (10.95, 13.05), (11.0, 13.1), (12.5, 13.1), (13.0, 13.1), (20.0, 20.1)],
    ids=["before", "just before", "in work", "as it begins", "within", "as it ends", "after"],
)
def test_in_a_stall_nothing_is_done(arrival: float, first: float) -> None:
    """It begins 1 s after the first arrival, which is at 10, and takes 2 s."""
    timing = Timing(100, stall=Stall(1.0, 2.0))
    assert firsts(timing, [10.0, arrival])[1] == pytest.approx(first)


def test_a_stall_holds_places() -> None:
    """One in work as it begins, the others behind it."""
    assert firsts(Timing(100, places=1, stall=Stall(0.05, 2)), [0.0, 0.01, 0.02]) == pytest.approx([2.1, 2.2, 2.3])


@given(TIMINGS, MOMENTS, st.integers(1, 20))
def test_nothing_is_early_and_order_is_kept(timing: Timing, arrivals: list[float], tokens: int) -> None:
    found = truth(timing, arrivals, tokens)
    for arrival, (first, last) in zip(arrivals, found, strict=True):
        assert first >= arrival + timing.work_s(0) - 1e-9
        assert last - first >= timing.work_s(tokens - 1) - timing.work_s(0) - 1e-9
    assert [first for first, _ in found] == sorted(first for first, _ in found)


@given(TIMINGS, MOMENTS)
def test_a_stall_delays_by_its_length_at_most_without_places(timing: Timing, arrivals: list[float]) -> None:
    free = Timing(timing.ttft_ms, timing.itl_ms, None, timing.stall)
    length = timing.stall.length_s if timing.stall else 0.0
    for arrival, first in zip(arrivals, firsts(free, arrivals), strict=True):
        assert first - arrival <= free.work_s(0) + length + 1e-9


@given(TIMINGS, MOMENTS)
def test_no_more_than_its_places_are_worked_on(timing: Timing, arrivals: list[float]) -> None:
    timeline = Timeline(timing)
    begins = [timeline.begin(arrival, 1) for arrival in arrivals]
    ends = [timeline.due(begin, 0) for begin in begins]
    for moment in begins:
        working = sum(begin <= moment < end for begin, end in zip(begins, ends, strict=True))
        assert timing.places is None or working <= timing.places
