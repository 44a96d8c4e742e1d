"""How long the blocks of a bootstrap must be."""

import math

import numpy as np

from vgate.harness.stats.correlation import Floats, autocovariances


def block_length(values: Floats) -> int:
    """The optimal block of the circular block bootstrap of a mean.

    Politis and White, Automatic block-length selection for the dependent bootstrap (2004), with the correction of
    Patton, Politis and White (2009). 1 for values that show no correlation.
    """
    count = len(values)
    if count < 8 or np.ptp(values) == 0:
        return 1
    covariance = autocovariances(values)
    lags = _bandwidth(covariance / covariance[0], count)
    weights = np.minimum(1.0, 2 * (1 - np.arange(1, lags + 1) / lags))  # flat-top, trapezoidal
    used = covariance[1 : lags + 1]
    spread = 2 * float((weights * np.arange(1, lags + 1) * used).sum())
    density = float(covariance[0] + 2 * (weights * used).sum())
    if density <= 0:
        return 1
    best = (1.5 * (spread / density) ** 2 * count) ** (1 / 3)
    return int(max(1, min(round(best), math.ceil(min(3 * math.sqrt(count), count / 3)))))


def _bandwidth(correlation: Floats, count: int) -> int:
    """Twice the lag after which `run` correlations in a row are insignificant."""
    run = max(5, math.ceil(math.sqrt(math.log10(count))))
    longest = min(count - 1, math.ceil(math.sqrt(count)) + run)
    significant = np.abs(correlation[1 : longest + 1]) > 2 * math.sqrt(math.log10(count) / count)
    last = 0
    for lag, large in enumerate(significant, start=1):
        if large:
            last = lag
        elif lag - last >= run:
            break
    return min(2 * max(1, last), longest)
