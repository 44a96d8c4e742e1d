import re
from statistics import fmean

import numpy as np
import pytest

from tests.harness.stats.series import autoregressive
from vgate.harness.stats.bootstrap import mean_estimate, ratio_estimate


def covered(memory: float, runs: int = 150, count: int = 1500) -> float:
    made = (mean_estimate(np.exp(autoregressive(count, memory, seed))) for seed in range(runs))
    return fmean((e.low or 0) <= np.exp(0.5) <= (e.high or 0) for e in made)


def test_covers_the_mean_of_values_that_depend_on_each_other() -> None:
    """`experiments/coverage.py` measures how often, to the percent; as independent ones they would be at 60 %."""
    assert 0.9 < covered(0.8) < 0.99


def test_leans_to_the_side_of_the_long_tail() -> None:
    found = mean_estimate(np.exp(1.5 * autoregressive(2000, 0.3)))
    assert found.high - found.value > 1.1 * (found.value - found.low)  # type: ignore[operator]


def test_holds_the_mean_of_a_regular_pattern() -> None:
    found = mean_estimate(np.array([1.0, 1.0, 1.0, 2.0] * 100))
    assert found.low < 1.25 < found.high  # type: ignore[operator]


def test_n_eff_is_that_of_the_series() -> None:
    found = mean_estimate(autoregressive(20_000, 0.8))
    assert found.n == 20_000
    assert found.n_eff == pytest.approx(20_000 / 9, rel=0.25)


def test_a_ratio_is_one_of_sums() -> None:
    below = np.random.default_rng(0).integers(1, 9, 500).astype(float)
    above = 1.5 * below + autoregressive(500, 0.0)
    found = ratio_estimate(above, below)
    assert found.value == above.sum() / below.sum()
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * np.sqrt(500) / below.sum(), rel=0.15)  # type: ignore[operator]


def test_equal_values_give_equal_intervals() -> None:
    values = autoregressive(500, 0.5)
    assert mean_estimate(values) == mean_estimate(values.copy())


def test_what_does_not_vary_is_not_in_doubt() -> None:
    assert mean_estimate(np.full(100, 7.0)).interval == (7.0, 7.0)


@pytest.mark.parametrize(("events", "given"), [(3, False), (29, False), (30, True)])
def test_few_events_have_no_interval(events: int, given: bool) -> None:
    """Three bad of 1,000: a twentieth of the resamples would have none, and no error of their own."""
    values = (np.arange(1000) % (1000 // events) == 0).cumsum()
    values = np.diff(values, prepend=0) * (values <= events).astype(float)
    found = mean_estimate(values)
    assert found.value == events / 1000
    assert (found.interval is not None) is given
    if not given:
        assert found.why == f"only {events} of 1000 samples differ from the others; an interval needs 30"


def test_no_interval_below_an_n_eff_of_fifty() -> None:
    found = mean_estimate(autoregressive(500, 0.9))
    assert (found.value is None, found.interval) == (False, None)
    assert found.why is not None
    assert re.fullmatch(r"500 samples are worth \d+ independent ones; an interval needs 50", found.why)
    assert mean_estimate(autoregressive(500, 0.0)).interval is not None


def test_undefined_without_values() -> None:
    found = mean_estimate(np.array([]))
    assert (np.isnan(found.value), found.interval, found.n) == (True, None, 0)  # type: ignore[arg-type]
