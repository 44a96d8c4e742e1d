"""A rate over a window and how far it may be off."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vgate.harness.metrics.rates import Window
from vgate.harness.stats.bootstrap import MINIMUM_EVENTS, ratio_estimate
from vgate.harness.stats.correlation import Floats
from vgate.harness.stats.estimate import Estimate

SLICES = 400  # short against what happens in a window, enough of them to resample


def rate_estimate(stamps: npt.NDArray[np.int64], window: Window, weights: Floats | None = None) -> Estimate:
    """Sum of the weights (None: 1 each) of the stamps that lie in the window, per second.

    The bootstrap takes slices of time, so the interval holds for other arrivals of the same load. n counts the stamps;
    below 30 there is no interval.
    """
    inside = (stamps >= window.start) & (stamps < window.end)
    kept = np.ones(int(inside.sum())) if weights is None else weights[inside]
    value = float(kept.sum()) / window.seconds
    if not value:
        return Estimate(0.0, n=0, why="none was seen")
    if len(kept) < MINIMUM_EVENTS:
        return Estimate(value, n=len(kept), why=f"only {len(kept)} were seen; an interval needs {MINIMUM_EVENTS}")
    edges = np.linspace(window.start, window.end, SLICES + 1).astype(np.int64)
    sums = np.histogram(stamps[inside], edges, weights=kept)[0]
    return replace(ratio_estimate(sums, np.diff(edges) / 1e9), value=value, n=len(kept), n_eff=None)
