import math
import random
from collections.abc import Callable

import pytest

from vgate.harness.comparing.sequence import ALPHA, MIXTURE, anytime_interval

LOOKS = 24


def martingale(values: list[float], mean: float) -> float:
    """The statistic as the paper writes it."""
    n, total, squares = len(values), sum(v - mean for v in values), sum((v - mean) ** 2 for v in values)
    return math.sqrt(MIXTURE / (n + MIXTURE)) * (squares / (squares - total**2 / (n + MIXTURE))) ** (n / 2)


@pytest.mark.parametrize("count", [4, 5, 8, 20, 100])
def test_its_edges_are_where_the_martingale_reaches_one_in_alpha(count: int) -> None:
    draw = random.Random(count)
    values = [draw.gauss(0.3, 2.0) for _ in range(count)]
    interval = anytime_interval(values)
    assert interval is not None
    for edge in interval:
        assert martingale(values, edge) == pytest.approx(1 / ALPHA)
    assert martingale(values, sum(interval) / 2) < 1


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [1.0, 2.0, 1.5]])
def test_few_values_bound_nothing(values: list[float]) -> None:
    assert anytime_interval(values) is None


def test_equal_values_leave_no_doubt() -> None:
    assert anytime_interval([0.25] * 4) == (0.25, 0.25)


def test_it_turns_with_its_values() -> None:
    values = [1.0, 4.0, 2.0, 3.5]
    low, high = anytime_interval(values) or (0, 0)
    mirrored = anytime_interval([-v for v in values])
    assert mirrored == pytest.approx((-high, -low))


def misses_at_any_look(draw_one: Callable[[random.Random], float], trials: int) -> float:
    """The share of samples of which some interval, up to LOOKS values, does not hold the mean 0."""
    draw = random.Random(1)
    missed = 0
    for _ in range(trials):
        values: list[float] = []
        for _ in range(LOOKS):
            values.append(draw_one(draw))
            interval = anytime_interval(values)
            if interval is not None and not interval[0] <= 0 <= interval[1]:
                missed += 1
                break
    return missed / trials


def test_all_looks_together_miss_no_more_often_than_alpha() -> None:
    """A t-interval looked at as often misses four times as much."""
    assert 0.005 < misses_at_any_look(lambda draw: draw.gauss(0, 1), 4000) < ALPHA


@pytest.mark.parametrize(
    "draw_one",
    [
        lambda draw: draw.gauss(0, 10 if draw.random() < 0.1 else 1),
        lambda draw: draw.expovariate(1) - draw.expovariate(1),
        lambda draw: draw.uniform(-1, 1),
    ],
    ids=["outliers", "double exponential", "uniform"],
)
def test_noise_of_other_shapes(draw_one: Callable[[random.Random], float]) -> None:
    assert misses_at_any_look(draw_one, 2000) < ALPHA
