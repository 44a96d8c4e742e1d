"""Percentiles of many durations, near the exact ones."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgate.observe.sketch import Sketch


def sketch(*seconds: float) -> Sketch:
    made = Sketch()
    for one in seconds:
        made.add(one)
    return made


def exact(values: list[float], percent: float) -> float:
    return sorted(values)[math.ceil(round(percent * len(values) / 100, 6)) - 1]


@pytest.mark.parametrize("percent", [50, 90, 99])
def test_within_one_percent_of_the_exact_percentile(percent: float) -> None:
    draw = random.Random(percent)
    values = [draw.lognormvariate(-3, 2) for _ in range(5000)]
    assert sketch(*values).percentile(percent) == pytest.approx(exact(values, percent), rel=0.0101)


@given(st.lists(st.floats(1e-6, 1e6), min_size=7, max_size=60))
def test_the_median_is_within_one_percent_of_one_of_the_values(values: list[float]) -> None:
    assert sketch(*values).percentile(50) == pytest.approx(exact(values, 50), rel=0.0101)


@pytest.mark.parametrize(("percent", "least"), [(50, 7), (90, 44), (99, 459)])
def test_refused_below_the_number_that_it_needs(percent: float, least: int) -> None:
    assert sketch(*[1.0] * (least - 1)).percentile(percent) is None
    assert sketch(*[1.0] * least).percentile(percent) == pytest.approx(1.0, rel=0.0101)


def test_parts_add_up_to_the_whole() -> None:
    values = [0.001 * 1.5**power for power in range(30)]
    parts = sketch(*values[:11])
    parts.include(sketch(*values[11:]))
    whole = sketch(*values)
    assert (parts.n, parts.counts) == (whole.n, whole.counts)


def test_nothing_makes_it_large() -> None:
    draw = random.Random(1)
    made = sketch(0.0, -1.0, math.inf, *(10 ** draw.uniform(-12, 12) for _ in range(50_000)))
    assert made.n == 50_003
    assert len(made.counts) <= 1400
