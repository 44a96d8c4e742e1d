"""Whether a load that is called steady was one: the number in flight must not rise over the window."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from vgate.harness.in_flight import in_flight
from vgate.harness.metrics.rates import Window
from vgate.harness.stats.trend import trend

MOMENTS = 400
CHANCE = 0.01  # of a false alarm, as far as the slope's error is known; `experiments/rising.py` counts them
MIN_RISE = 0.5  # of the mean in flight: a smaller rise changes no conclusion


def rising(rows: pd.DataFrame, window: Window) -> Iterator[str]:
    """The reason, if the number in flight rises by more than half of its mean and more than chance explains."""
    moments = np.linspace(window.start, window.end, MOMENTS, endpoint=False).astype(np.int64)
    counts = in_flight(rows, moments)
    found, mean = trend(counts), counts.mean()
    if found.chance < CHANCE and found.rise > max(1.0, MIN_RISE * mean):
        begin, end = max(0.0, mean - found.rise / 2), mean + found.rise / 2
        yield f"the queue rises over the window, from {begin:.0f} to {end:.0f} requests in flight: it was not steady"
