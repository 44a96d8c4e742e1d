import math
from itertools import takewhile
from statistics import fmean

import pytest

from vgate.load.ramp import Ramp


def arrivals(ramp: Ramp, begin: float, end: float, seeds: int = 40) -> float:
    """Mean number of arrivals from begin to end."""
    return fmean(
        sum(begin <= offset for offset in takewhile(lambda o: o < end, ramp.offsets_s(seed))) for seed in range(seeds)
    )


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (0, 10, 10 * 2),  # before it begins
        (10, 15, 5 * (2 + 12) / 2),  # first quarter: from 2 to 12 per second
        (20, 30, 10 * (22 + 42) / 2),  # second half
        (30, 35, 5 * 42),  # held
    ],
)
def test_the_rate_is_that_of_the_line(begin: float, end: float, expected: float) -> None:
    """Within 4 standard errors of a mean of Poisson counts."""
    ramp = Ramp(start_rate=2.0, end_rate=42.0, delay_s=10.0, over_s=20.0)
    assert arrivals(ramp, begin, end) == pytest.approx(expected, abs=4 * math.sqrt(expected / 40))


def test_it_may_fall() -> None:
    ramp = Ramp(start_rate=42.0, end_rate=2.0, delay_s=0.0, over_s=20.0)
    assert arrivals(ramp, 0, 10) == pytest.approx(320, abs=4 * math.sqrt(320 / 40))
    assert arrivals(ramp, 10, 20) == pytest.approx(120, abs=4 * math.sqrt(120 / 40))
    assert arrivals(ramp, 20, 40) == pytest.approx(40, abs=4 * math.sqrt(40 / 40))


def test_it_may_begin_with_nothing() -> None:
    ramp = Ramp(start_rate=0.0, end_rate=20.0, delay_s=5.0, over_s=10.0)
    assert arrivals(ramp, 0, 5) == 0
    assert arrivals(ramp, 5, 15) == pytest.approx(100, abs=4 * math.sqrt(100 / 40))


def test_without_a_slope_it_is_a_poisson_process() -> None:
    ramp = Ramp(start_rate=10.0, end_rate=10.0, delay_s=5.0, over_s=10.0)
    assert arrivals(ramp, 0, 20) == pytest.approx(200, abs=4 * math.sqrt(200 / 40))
    assert ramp.offered_rate == 10.0


def test_time_goes_on_at_the_joints() -> None:
    """The stretched time has no jump where the line begins and ends."""
    ramp = Ramp(start_rate=2.0, end_rate=42.0, delay_s=10.0, over_s=20.0)
    for due, moment in ((20.0, 10.0), (20.0 + 440.0, 30.0)):
        assert ramp._when(due - 1e-9) == pytest.approx(moment)
        assert ramp._when(due + 1e-9) == pytest.approx(moment)
