import numpy as np
import pytest

from vgate.harness.metrics.rates import Window
from vgate.harness.stats.rate import rate_estimate

S = 1_000_000_000
WINDOW = Window(5 * S, 65 * S)


def poisson(rate: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).exponential(1 / rate, int(rate * 100)).cumsum() * S).astype(np.int64)


def test_counts_what_lies_in_the_window() -> None:
    found = rate_estimate(np.array([0, 5 * S, 6 * S, 65 * S]), WINDOW)
    assert (found.value, found.n) == (2 / 60, 2)


def test_weights_are_summed() -> None:
    assert rate_estimate(np.array([6 * S, 7 * S]), WINDOW, np.array([10.0, 20.0])).value == 0.5


def test_the_interval_of_a_poisson_process() -> None:
    """1,200 arrivals: 1.96 / sqrt(1200) = 5.7 % to either side."""
    found = rate_estimate(poisson(20, 1), WINDOW)
    assert found.value == pytest.approx(20, rel=0.06)
    assert (found.high - found.low) / 2 / found.value == pytest.approx(0.057, rel=0.25)  # type: ignore[operator]


@pytest.mark.parametrize(("count", "given"), [(29, False), (30, True)])
def test_few_stamps_have_no_interval(count: int, given: bool) -> None:
    found = rate_estimate(np.arange(count) * 2 * S + 5 * S, WINDOW)
    assert (found.value, found.interval is not None) == (count / 60, given)
    assert (found.why is None) is given
    if not given:
        assert found.why == "only 29 were seen; an interval needs 30"


def test_a_rate_of_nothing_has_no_interval() -> None:
    found = rate_estimate(np.array([], dtype=np.int64), WINDOW)
    assert (found.value, found.interval, found.why) == (0.0, None, "none was seen")
