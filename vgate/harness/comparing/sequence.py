"""An interval that stays right however often one looks at it, and whenever one stops."""

import math
from collections.abc import Sequence
from statistics import fmean

ALPHA = 0.05
# The mixture's parameter c^2 in the formula. Any value fixed beforehand gives a right interval; this one a short one
# from 4 values to 30. Until a first pilot ended undecided it was 0.5; then the formula of the width, not the pilot's
# data, gave this one.
MIXTURE = 0.2


def anytime_interval(values: Sequence[float], alpha: float = ALPHA) -> tuple[float, float] | None:
    """The mean of all values to come, by a time-uniform t confidence sequence; None while it is still unbounded.

    With probability 1 - alpha the mean lies in all of the intervals of a growing sample at once, so stopping at the
    first one that says something costs nothing, and so does going on later. Exact for normal values of any variance.
    These are the means m that the test martingale of Wang and Ramdas does not reject, "Anytime-valid t-tests and
    confidence sequences for Gaussian means with unknown variance" (arXiv 2310.03722), Gaussian mixture over the effect:
    sqrt(c2 / (n + c2)) * (V / (V - S^2 / (n + c2)))^(n/2) < 1 / alpha, S and V the sums of (x - m) and (x - m)^2.
    """
    n = len(values)
    if n < 2:
        return None
    mean = fmean(values)
    spread = sum((value - mean) ** 2 for value in values)
    limit = ((n + MIXTURE) / MIXTURE / alpha**2) ** (1 / n)
    slack = 1 - limit * MIXTURE / (n + MIXTURE)
    if slack <= 0:
        return None
    half = math.sqrt(spread * (limit - 1) / slack / n)
    return mean - half, mean + half
