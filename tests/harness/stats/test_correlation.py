import numpy as np
import pytest

from tests.harness.stats.series import autoregressive
from vgate.harness.stats.correlation import autocovariances, batch_time, correlation_time, dependence, effective_n


def test_autocovariances_by_hand() -> None:
    """1, 2, 4, 5 less their mean of 3: -2, -1, 1, 2."""
    assert autocovariances(np.array([1.0, 2.0, 4.0, 5.0])) == pytest.approx([10 / 4, 3 / 4, -4 / 4, -4 / 4])


@pytest.mark.parametrize("memory", [0.5, 0.8, 0.95])
def test_time_of_a_known_series(memory: float) -> None:
    """An AR(1) series has (1 + memory) / (1 - memory)."""
    found = dependence(autoregressive(200_000, memory)).time
    assert found == pytest.approx((1 + memory) / (1 - memory), rel=0.1)


def test_independent_values_have_a_time_of_one() -> None:
    assert dependence(autoregressive(50_000, 0.0)).time == pytest.approx(1.0, abs=0.1)


def test_values_that_alternate_count_as_independent() -> None:
    assert dependence(autoregressive(10_000, -0.8)).time == 1.0


@pytest.mark.parametrize("values", [[5.0] * 100, [0.1 + 0.2] * 100, [1.0, 2.0, 3.0], [1.0]])
def test_nothing_is_said_of_constant_or_few_values(values: list[float]) -> None:
    assert dependence(np.array(values)) == (1.0, 0)


def test_time_from_batches() -> None:
    """Ten batches tell it to a half; over many runs they are right."""
    found = [batch_time(autoregressive(5000, 0.8, seed)) for seed in range(60)]
    assert np.mean(found) == pytest.approx(9.0, rel=0.2)
    assert batch_time(autoregressive(99, 0.8)) == batch_time(np.ones(1000)) == 1.0


def test_the_larger_of_both_counts() -> None:
    for seed in range(5):
        values = autoregressive(2000, 0.8, seed)
        assert correlation_time(values) == max(dependence(values).time, batch_time(values))
        assert effective_n(values) == 2000 / correlation_time(values)
