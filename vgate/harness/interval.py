"""How far a mean over repeated runs may be off."""

import math
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


def t95(degrees: float) -> float:
    """Two-sided 95 % point of Student's t for at least 2 degrees of freedom, of the whole number below.

    Beyond the table its last entry, which is a little too wide.
    """
    return _T95[min(int(degrees) - 2, len(_T95) - 1)]
