"""An interval for a ratio of sums, or a mean, of values that depend on their neighbours."""

import math

import numpy as np

from vgate.harness.stats.block_length import block_length
from vgate.harness.stats.correlation import Floats, effective_n
from vgate.harness.stats.estimate import Estimate

RESAMPLES = 1000
MINIMUM_N_EFF = 50
MINIMUM_EVENTS = 30  # values that are not the commonest: of fewer, resamples say little


def mean_estimate(values: Floats) -> Estimate:
    """The mean of values in their order, with `ratio_estimate`'s interval."""
    return ratio_estimate(values, np.ones_like(values))


def ratio_estimate(above: Floats, below: Floats) -> Estimate:
    """sum(above) / sum(below) of pairs in their order; 95 % interval by the studentised circular block bootstrap.

    Resampled are blocks of neighbours (`block_length`), so that what depends on each other stays together, and each
    resample is measured by its own standard error, which lets the interval lean to the side of the long tail (Goetze
    and Kuensch, Second-order correctness of the blockwise bootstrap, 1996). The sample's own error is that of n_eff
    independent values. Seeded: equal values give equal intervals. None below an n_eff of 50, nor where values are equal
    but for fewer than 30, for then all depends on how many of these a sample happens to have.
    """
    count, total = len(above), float(below.sum())
    if not total:
        return Estimate(math.nan, n=count, why="there is no sample")
    value = float(above.sum()) / total
    residuals = above - value * below
    effective = effective_n(residuals)
    if effective < MINIMUM_N_EFF:
        why = f"{count} samples are worth {effective:.0f} independent ones; an interval needs {MINIMUM_N_EFF}"
        return Estimate(value, n=count, n_eff=effective, why=why)
    events = _events(residuals)
    if 0 < events < MINIMUM_EVENTS:
        why = f"only {events} of {count} samples differ from the others; an interval needs {MINIMUM_EVENTS}"
        return Estimate(value, n=count, n_eff=effective, why=why)
    error = math.sqrt(float(np.square(residuals).sum()) * count / effective) / total
    length = block_length(residuals) if effective < count else 1
    low, high = np.quantile(_studentised(above, below, length), (0.975, 0.025)) * error
    return Estimate(value, value - float(low), value - float(high), count, effective)


def _events(residuals: Floats) -> int:
    """How many values are not the commonest, to a thousandth of how far they lie apart."""
    spread = float(np.ptp(residuals))
    if not spread:
        return 0
    _, counts = np.unique(np.round(residuals / spread, 3), return_counts=True)
    return len(residuals) - int(counts.max())


def _studentised(above: Floats, below: Floats, length: int) -> Floats:
    """(a resample's ratio - the sample's) / the resample's standard error, of RESAMPLES resamples."""
    blocks = math.ceil(len(above) / length)
    chosen = np.random.default_rng(0).integers(len(above), size=(RESAMPLES, blocks))
    tops, bottoms = _circular_sums(above, length)[chosen], _circular_sums(below, length)[chosen]
    totals = bottoms.sum(axis=1)
    ratios = tops.sum(axis=1) / totals
    squares = np.square(tops - ratios[:, None] * bottoms).sum(axis=1) * blocks / (blocks - 1)
    errors = np.sqrt(squares) / totals
    found: Floats = (ratios - above.sum() / below.sum()) / np.where(errors > 0, errors, np.inf)
    return found


def _circular_sums(values: Floats, length: int) -> Floats:
    """Sums of `length` neighbours, one beginning at each value; the first value follows the last."""
    sums: Floats = np.concatenate([[0.0], np.cumsum(np.concatenate([values, values[: length - 1]]))])
    return sums[length:] - sums[:-length]
