"""Whether a series that keeps what happens to it, as a process keeps its memory, grows."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from vgate.harness.stats.correlation import Floats, correlation_time


class Drift(NamedTuple):
    """rise: from beginning to end. chance: of such a rise or a larger one where each change is as likely down as up."""

    rise: float
    chance: float


def drift(values: Floats) -> Drift:
    """A t-test of the mean of the changes from one value to the next, their autocorrelation taken into account.

    Where changes stay, a line through the values proves nothing: its residuals depend on each other over the whole
    series, and it seems to rise or fall after every single step (Granger and Newbold, Spurious Regressions in
    Econometrics, 1974). It is the changes that are independent. Needs three values.
    """
    changes = np.diff(values)
    rise, count = float(values[-1] - values[0]), len(changes)
    error = math.sqrt(float(changes.var(ddof=1)) * correlation_time(changes) / count)
    if not error > 0:
        return Drift(rise, 0.0 if rise > 0 else 1.0)
    return Drift(rise, float(1 - stdtr(count - 1, float(changes.mean()) / error)))
