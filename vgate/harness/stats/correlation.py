"""How much the values of a series, in their order, depend on each other."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BATCHES = 10


class Dependence(NamedTuple):
    """time: the integrated autocorrelation time tau: the mean of n values varies as that of n / tau independent ones.

    lags: over how many lags the correlation was summed.
    """

    time: float
    lags: int


def correlation_time(values: Floats) -> float:
    """The larger of Geyer's and of ten batch means' integrated autocorrelation time, at least 1.

    Either is too small by chance now and then, and intervals are too short then; `experiments/LOG.md` has what each
    does.
    """
    return max(dependence(values).time, batch_time(values))


def effective_n(values: Floats) -> float:
    """How many independent values would tell as much about the mean."""
    return len(values) / correlation_time(values)


def dependence(values: Floats) -> Dependence:
    """Geyer's initial monotone sequence estimator (Practical Markov Chain Monte Carlo, 1992, section 3.3).

    Sums of two neighbouring autocovariances are added up until the first that is not positive, none larger than the one
    before it. Correlation that makes means more exact than independent values would is not counted: tau is at least 1.
    """
    if len(values) < 4 or np.ptp(values) == 0:
        return Dependence(1.0, 0)
    covariance = autocovariances(values)
    pairs = covariance[: len(values) // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0)
    kept = np.minimum.accumulate(pairs[: negative[0] if len(negative) else len(pairs)])
    time = 2 * kept.sum() / covariance[0] - 1
    return Dependence(max(1.0, float(time)), 2 * len(kept))


def batch_time(values: Floats) -> float:
    """Tau from how much the means of ten batches vary; 1 below ten values a batch.

    Schmeiser, Batch Size Effects in the Analysis of Simulation Output, 1982.
    """
    size = len(values) // BATCHES
    if size < BATCHES or np.ptp(values) == 0:
        return 1.0
    means = values[: BATCHES * size].reshape(BATCHES, size).mean(axis=1)
    return max(1.0, float(size * means.var(ddof=1) / values.var()))


def autocovariances(values: Floats) -> Floats:
    """The sample's autocovariances at lags 0 to n - 1, each divided by n."""
    centred = values - values.mean()
    size = 1 << (2 * len(values) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    return np.fft.irfft(spectrum * spectrum.conj(), size)[: len(values)] / len(values)
