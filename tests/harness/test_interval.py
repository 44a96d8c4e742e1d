import random
from statistics import fmean

import pytest

from vgate.harness.interval import paired_interval, t_interval, t_point


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


@pytest.mark.parametrize(
    ("level", "degrees", "point"),
    [(0.95, 2, 4.303), (0.95, 3, 3.182), (0.999, 2, 31.599), (0.999, 5, 6.869), (0.5, 1, 1)],
)
def test_points_of_student_t_from_the_tables(level: float, degrees: int, point: float) -> None:
    assert t_point(level, degrees) == pytest.approx(point, abs=5e-4)


def test_pairs_shed_what_they_share() -> None:
    first, second = {0: 10.0, 1: 20.0, 2: 30.0, 3: 1.0}, {0: 9.0, 1: 18.9, 2: 29.1}
    low, high = paired_interval(first, second, 0.95) or (0, 0)
    assert (low, high) == pytest.approx((0.752, 1.248), abs=1e-3)
    assert paired_interval(first, {0: 1.0, 1: 2.0}, 0.95) is None
