"""What the work cost in energy, where the GPUs tell their power."""

import numpy as np
import pandas as pd

from vgate.harness.metrics.rates import Window, completed_rate, output_tokens_rate

UNIT = "1/Wh"


def energy_wh(gauges: pd.DataFrame, window: Window) -> float | None:
    """Integral of the sampled power over the window, by trapezoids. None: no power was read, or not all the window.

    The power is the whole GPU's, idle power included, and NVML's reading, which some GPUs average over a second.
    """
    told = gauges.dropna(subset=["gpu_power_w"])
    moments, watts = told["t"].to_numpy(float), told["gpu_power_w"].to_numpy(float)
    if len(told) < 2 or moments[0] > window.start or moments[-1] < window.end:
        return None
    inside = moments[(moments > window.start) & (moments < window.end)]
    edges = np.concatenate([[window.start], inside, [window.end]])
    return float(np.trapezoid(np.interp(edges, moments, watts), edges)) / 1e9 / 3600


def requests_per_wh(rows: pd.DataFrame, gauges: pd.DataFrame, window: Window) -> float | None:
    """Answers completed in the window / energy of the window. None where that is not known."""
    return _per_wh(completed_rate(rows, window), gauges, window)


def tokens_per_wh(rows: pd.DataFrame, gauges: pd.DataFrame, window: Window) -> float | None:
    """Output tokens that arrived in the window / energy of the window. None where that is not known."""
    return _per_wh(output_tokens_rate(rows, window), gauges, window)


def _per_wh(rate: float, gauges: pd.DataFrame, window: Window) -> float | None:
    energy = energy_wh(gauges, window)
    return rate * window.seconds / energy if energy else None
