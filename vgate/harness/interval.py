"""How far a mean over repeated runs may be off."""

import math
from collections.abc import Mapping
from statistics import fmean, stdev

from scipy.special import stdtrit

MINIMUM_RUNS = 3


def t_interval(values: list[float], level: float = 0.95) -> tuple[float, float] | None:
    """Student's interval of the mean over runs; None below three runs."""
    if len(values) < MINIMUM_RUNS:
        return None
    half = t_point(level, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


def paired_interval(
    first: Mapping[int, float], second: Mapping[int, float], level: float
) -> tuple[float, float] | None:
    """Of the mean difference first - second over the rounds that both have; None below three. Maps: round -> value."""
    return t_interval([first[number] - second[number] for number in sorted(first.keys() & second.keys())], level)


def t_point(level: float, degrees: float) -> float:
    """Within plus and minus this, Student's t lies with probability `level`."""
    return float(stdtrit(degrees, (1 + level) / 2))


def t95(degrees: float) -> float:
    """`t_point` for 95 %."""
    return t_point(0.95, degrees)
