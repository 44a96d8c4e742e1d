"""When a count of bad requests decides: MLPerf's early-stopping rule, and its mirror image."""

import math

CONFIDENCE = 0.99


def passes(count: float, bad: float, allowed: float) -> bool:
    """Whether so few are bad that, at 99 % confidence, at most the share `allowed` of all requests is.

    MLPerf's rule: I(p; h, t + 1) <= 1 - c with t = `bad`, h = `count` - t, p = 1 - `allowed`, c = 0.99, which says
    that with more bad ones than allowed so few would have shown in at most 1 of 100 tries. Effective counts need not be
    whole: they are rounded to the side that makes passing harder.
    """
    return at_most(math.ceil(bad), math.floor(count), allowed) <= 1 - CONFIDENCE


def fails(count: float, bad: float, allowed: float) -> bool:
    """Whether so many are bad that, at 99 % confidence, more than the share `allowed` of all requests is."""
    return at_most(math.floor(bad) - 1, math.ceil(count), allowed) >= CONFIDENCE


def at_most(bad: int, count: int, share: float) -> float:
    """P(X <= bad) for X binomial with `count` draws of probability `share`, in (0, 1)."""
    if bad < 0:
        return 0.0
    if bad >= count:
        return 1.0
    terms = [_log_probability(k, count, share) for k in range(bad + 1)]
    largest = max(terms)
    return min(1.0, math.exp(largest) * math.fsum(math.exp(term - largest) for term in terms))


def _log_probability(k: int, count: int, share: float) -> float:
    ways = math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
    return ways + k * math.log(share) + (count - k) * math.log1p(-share)
