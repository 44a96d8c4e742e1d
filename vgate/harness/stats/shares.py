"""A share of requests and how far it may be off."""

import math

from vgate.harness.stats.binomial import share_interval
from vgate.harness.stats.correlation import Floats, effective_n
from vgate.harness.stats.estimate import Estimate


def share_estimate(hits: Floats) -> Estimate:
    """The mean of zeros and ones in their order, with the exact binomial interval of n_eff independent ones."""
    if not len(hits):
        return Estimate(math.nan, n=0, why="there is no request")
    value, effective = float(hits.mean()), effective_n(hits)
    low, high = share_interval(value * effective, effective)
    return Estimate(value, low, high, len(hits), effective)
