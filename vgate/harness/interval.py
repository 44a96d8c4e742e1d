"""How far a mean over repeated runs may be off."""

import math
from collections.abc import Mapping
from functools import cache
from statistics import fmean, stdev

MINIMUM_RUNS = 3
# Two-sided 95 % points of Student's t for 2, 3, ... degrees of freedom.
_T95 = (
    4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def t_interval(values: list[float]) -> tuple[float, float] | None:
    """The 95 % interval of the mean over runs; None below three runs."""
    if len(values) < MINIMUM_RUNS:
        return None
    half = t95(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


def paired_interval(
    first: Mapping[int, float], second: Mapping[int, float], level: float
) -> tuple[float, float] | None:
    """Of the mean difference first - second over the rounds that both have; None below three. Maps: round -> value."""
    values = [first[number] - second[number] for number in sorted(first.keys() & second.keys())]
    if len(values) < MINIMUM_RUNS:
        return None
    half = t_point(level, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


@cache
def t_point(level: float, degrees: int) -> float:
    """Within plus and minus this, Student's t lies with probability `level`."""
    low, high = 0.0, math.pi / 2
    for _ in range(100):  # of the angle atan(t / sqrt(degrees))
        angle = (low + high) / 2
        low, high = (angle, high) if _within(angle, degrees) < level else (low, angle)
    return math.tan(low) * math.sqrt(degrees)


def _within(angle: float, degrees: int) -> float:
    """Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4."""
    odd = degrees % 2
    term = math.cos(angle) if odd else 1.0
    total = term if degrees > 1 else 0.0
    for power in range(2 + odd, degrees - 1, 2):
        term *= math.cos(angle) ** 2 * (power - 1) / power
        total += term
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total


def t95(degrees: float) -> float:
    """Two-sided 95 % point of Student's t for at least 2 degrees of freedom, of the whole number below.

    Beyond the table its last entry, which is a little too wide.
    """
    return _T95[min(int(degrees) - 2, len(_T95) - 1)]
