"""Many requests in few points, so that a page stays small. What is kept is exact; what is left out lies between."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from vgate.harness.metrics.percentile import CONFIDENCE, nearest_rank

CDF_POINTS = 160
BINS = 120


def nines(percent: float) -> float:
    """Where a percentile stands on an axis on which p90, p99 and p99.9 are equally far apart."""
    return -math.log10(1 - percent / 100)


def highest_percent(count: int) -> float:
    """The highest percentile that `count` samples support: the inverse of `minimum_n`."""
    return 100 * (1 - CONFIDENCE) ** (1 / count) if count else 0.0


def cdf(values: Sequence[float], points: int = CDF_POINTS) -> tuple[list[float], list[float]]:
    """(values, percentiles): exact nearest-rank percentiles, up to the highest finite one that the sample supports.

    As dense at each nine as at the others. Empty without finite samples; NaNs are left out.
    """
    ordered = sorted(value for value in values if not math.isnan(value))
    finite = sum(map(math.isfinite, ordered))
    if not finite:
        return [], []
    top = min(highest_percent(len(ordered)), 100 * finite / len(ordered))
    percents = [100 * (1 - 10 ** -(nines(top) * step / points)) for step in range(points + 1)]
    return [nearest_rank(ordered, percent) for percent in percents], percents


def occupancy(
    begins: np.ndarray, ends: np.ndarray, start: int, end: int, bins: int = BINS
) -> tuple[np.ndarray, np.ndarray]:
    """(mean, peak) number of intervals [begin, end) that hold, in each of `bins` equal parts of [start, end).

    Exact: the mean is an integral over time, the peak is the highest value inside the part. Times in nanoseconds.
    """
    moments = np.concatenate([begins, ends])
    steps = np.concatenate([np.ones(len(begins), int), -np.ones(len(ends), int)])
    order = np.lexsort((steps, moments))  # at one moment those who leave go first
    moments, levels = moments[order], np.cumsum(steps[order])
    edges = np.linspace(start, end, bins + 1)
    means, peaks = np.zeros(bins), np.zeros(bins)
    for number, (left, right) in enumerate(pairwise(edges)):
        first, last = np.searchsorted(moments, left, side="right"), np.searchsorted(moments, right, side="left")
        before = levels[first - 1] if first else 0
        inside = np.concatenate([[before], levels[first:last]])
        widths = np.diff(np.concatenate([[left], moments[first:last], [right]]))
        means[number] = (inside * widths).sum() / (right - left)
        peaks[number] = inside.max()
    return means, peaks


def binned(
    moments: np.ndarray, values: np.ndarray, start: int, end: int, bins: int = BINS
) -> tuple[np.ndarray, np.ndarray]:
    """(mean, peak) of samples in each of `bins` equal parts of [start, end); NaN in a part without samples."""
    place = np.clip(((moments - start) * bins // (end - start)).astype(int), 0, bins - 1)
    means, peaks = np.full(bins, np.nan), np.full(bins, np.nan)
    for number in np.unique(place):
        inside = values[place == number]
        means[number], peaks[number] = inside.mean(), inside.max()
    return means, peaks
