import random
from statistics import fmean

import pytest

from vgate.harness.interval import t_interval


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0]])
def test_refused_below_three_runs(values: list[float]) -> None:
    assert t_interval(values) is None


def test_three_runs_by_hand() -> None:
    """Mean 2, standard deviation 1, t(2) = 4.303: 2 -+ 4.303 / sqrt(3)."""
    low, high = t_interval([1.0, 2.0, 3.0]) or (0, 0)
    assert (low, high) == (pytest.approx(2 - 2.4843, abs=1e-3), pytest.approx(2 + 2.4843, abs=1e-3))


@pytest.mark.parametrize("runs", [3, 5, 12, 40])
def test_covers_the_mean_in_95_of_100(runs: int) -> None:
    draw = random.Random(runs)
    covered = []
    for _ in range(4000):
        low, high = t_interval([draw.gauss(10, 2) for _ in range(runs)]) or (0, 0)
        covered.append(low <= 10 <= high)
    assert 0.94 < fmean(covered) < 0.965
