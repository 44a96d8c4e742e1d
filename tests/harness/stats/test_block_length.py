import numpy as np
import pytest

from tests.harness.stats.series import autoregressive
from vgate.harness.stats.block_length import block_length


@pytest.mark.parametrize("memory", [0.5, 0.9])
def test_near_the_optimum_of_a_known_series(memory: float) -> None:
    """(1.5 (G / g)^2 n)^(1/3) with G / g = 2 memory / (1 - memory^2) for an AR(1) series."""
    count = 20_000
    optimum = (1.5 * (2 * memory / (1 - memory**2)) ** 2 * count) ** (1 / 3)
    found = [block_length(autoregressive(count, memory, seed)) for seed in range(5)]
    assert np.median(found) == pytest.approx(optimum, rel=0.2)


def test_independent_values_need_short_blocks() -> None:
    assert np.median([block_length(autoregressive(2000, 0.0, seed)) for seed in range(9)]) <= 5


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [3.0] * 50])
def test_one_where_there_is_nothing_to_see(values: list[float]) -> None:
    assert block_length(np.array(values)) == 1
