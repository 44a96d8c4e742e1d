"""Exact 95 % intervals from the binomial distribution: ranks of a sorted sample, and a share."""

import math

from scipy.optimize import brentq
from scipy.special import betainc, betaincinv

BEYOND = 0.025  # probability beyond either end


def rank_interval(count: float, share: float) -> tuple[float, float] | None:
    """Ranks between which the quantile `share` lies, of `count` independent values. Neither need be whole.

    None where such a rank does not exist: below 368 values for p99, below 6 for the median.
    """
    if max(share, 1 - share) ** count > BEYOND:
        return None
    return _rank(count, share, 1 - BEYOND), _rank(count, share, BEYOND)


def share_interval(hits: float, count: float) -> tuple[float, float]:
    """The share of which `hits` of `count` independent trials were seen (Clopper and Pearson, 1934)."""
    low = float(betaincinv(hits, count - hits + 1, BEYOND)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, count - hits, 1 - BEYOND)) if hits < count else 1.0
    return low, high


def _rank(count: float, share: float, chance: float) -> float:
    """K such that, with probability `chance`, at least k of `count` values do not exceed the quantile."""
    return float(brentq(lambda k: betainc(k, count - k + 1, share) - chance, 1e-9, math.nextafter(count + 1, 0)))
