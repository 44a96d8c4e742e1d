"""Series of which the truth is known."""

import numpy as np

from vgate.harness.stats.correlation import Floats


def autoregressive(count: int, memory: float, seed: int = 0) -> Floats:
    """A Gaussian AR(1) series in equilibrium: mean 0, variance 1, correlation memory^lag."""
    steps = np.random.default_rng(seed).standard_normal(count)
    values = np.empty(count)
    values[0] = steps[0]
    for place in range(1, count):
        values[place] = memory * values[place - 1] + np.sqrt(1 - memory**2) * steps[place]
    return values
