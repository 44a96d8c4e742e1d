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
    degrees = len(values) - 1
    # Beyond the table the last entry is used, which is a little too wide.
    half = _T95[min(degrees - 2, len(_T95) - 1)] * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half
