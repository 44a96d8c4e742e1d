"""Whether a series rises, judged against its own autocorrelation."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from vgate.harness.stats.correlation import Floats, dependence


class Trend(NamedTuple):
    """rise: of the fitted line, from beginning to end. chance: of such a slope or a steeper one where nothing rises."""

    rise: float
    chance: float


def trend(values: Floats) -> Trend:
    """A line by least squares; its slope's error takes the autocorrelation of the residuals into account.

    The error has as many degrees of freedom as the estimate of that autocorrelation: n / (2 * lags + 1) (Priestley,
    Spectral Analysis and Time Series, 1981, section 6.2.4). Needs eight values.
    """
    count = len(values)
    place = np.arange(count) - (count - 1) / 2
    slope = float((place * values).sum() / np.square(place).sum())
    residuals = values - values.mean() - slope * place
    found = dependence(residuals)
    error = math.sqrt(float(np.square(residuals).mean()) * found.time / float(np.square(place).sum()))
    if not error > 0:
        return Trend(slope * count, 0.0 if slope > 0 else 1.0)
    degrees = max(1.0, count / (2 * found.lags + 1))
    return Trend(slope * count, float(1 - stdtr(degrees, slope / error)))
