"""How many requests a percentile needs. Apart from what computes percentiles, for a server loads none of that."""

import math

CONFIDENCE = 0.99


def minimum_n(percent: float) -> int:
    """Requests below which a percentile is refused: MLPerf's early-stopping rule at no failure, 0.01 = p^n.

    p50 7, p90 44, p95 90, p99 459, p99.9 4603.
    """
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(percent / 100))
