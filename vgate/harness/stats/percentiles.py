"""Percentiles of a run and how far they may be off."""

import math
from collections.abc import Iterable
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from vgate.harness.metrics.percentile import minimum_n, nearest_rank
from vgate.harness.stats.binomial import rank_interval
from vgate.harness.stats.correlation import Floats, correlation_time
from vgate.harness.stats.estimate import Estimate
from vgate.harness.stats.owners import Owners, first_of_each

MINIMUM_N_EFF = 50
MINIMUM_RARER = 10  # of the independent requests, above or below the percentile


def percentile_estimates(
    values: Floats, percents: Iterable[float], owners: Owners | None = None
) -> dict[float, Estimate]:
    """Exact percentiles of values in the order of their requests, each with its order-statistic interval.

    The ranks are those for n_eff independent values. n_eff is of the percentile, not of the values: from the
    autocorrelation of "does not exceed the percentile" over the requests. No interval where too few independent ones
    lie on its rarer side.
    n and n_eff count requests: the samples of one, as its gaps between tokens, depend on each other.
    owners: ascending request number of each value, where a request has several; None: one each.
    Infinite values are those of requests without an answer: a percentile among them is refused.
    """
    ordered, found = np.sort(values), {}
    count = len(values) if owners is None else len(first_of_each(owners))
    for percent in percents:
        needed = minimum_n(percent)
        found[percent] = Estimate(None, n=count, why=f"{count} requests; p{percent:g} needs {needed}")
        if count >= needed:
            found[percent] = _estimate(values, nearest_rank(ordered, percent), percent, owners, count)
    return {percent: _with_interval(estimate, percent, ordered, found) for percent, estimate in found.items()}


def _estimate(values: Floats, value: float, percent: float, owners: Owners | None, count: int) -> Estimate:
    if math.isfinite(value):
        return Estimate(value, n=count, n_eff=_effective(values <= value, percent / 100, owners, count))
    infinite = np.isinf(values)
    lost = int(infinite.sum()) if owners is None else len(first_of_each(owners[infinite]))
    return Estimate(None, n=count, why=f"p{percent:g} lies among the {lost} requests without a complete answer")


def _with_interval(estimate: Estimate, percent: float, ordered: Floats, all_of_them: dict[float, Estimate]) -> Estimate:
    if estimate.n_eff is None:
        return estimate
    # The middle of the sample shows its bursts better than its tail, which has seen few.
    independent = min(other.n_eff for other in all_of_them.values() if other.n_eff is not None)
    share, count = percent / 100, len(ordered)
    rarer = independent * min(share, 1 - share)
    if independent < MINIMUM_N_EFF or rarer < MINIMUM_RARER:
        needed = max(MINIMUM_N_EFF, round(MINIMUM_RARER / min(share, 1 - share)))
        why = (
            f"{estimate.n} requests are worth {independent:.0f} independent ones;"
            f" an interval for p{percent:g} needs {needed}"
        )
        return replace(estimate, why=why)
    # n_eff is itself uncertain: Student's t, with as many degrees of freedom as it rests on.
    effective = estimate.n_eff * (NormalDist().inv_cdf(0.975) / float(stdtrit(rarer, 0.975))) ** 2
    ranks = rank_interval(effective, share)
    assert ranks is not None  # there are enough on the rarer side
    # A rank of so many values as one of n: the same share of the sample lies below it.
    low, high = (_at(ordered, (rank - 0.5) * count / effective + 0.5) for rank in ranks)
    if not math.isfinite(high):
        return replace(estimate, why="its interval ends among the requests without a complete answer")
    return replace(estimate, low=low, high=high)


def _effective(below: npt.NDArray[np.bool_], share: float, owners: Owners | None, count: int) -> float:
    excess: Floats = below - np.float64(share)
    if owners is not None:
        excess = np.add.reduceat(excess, first_of_each(owners))
    variance = float(np.square(excess).sum()) * correlation_time(excess)
    return min(float(count), share * (1 - share) * len(below) ** 2 / variance)


def _at(ordered: Floats, rank: float) -> float:
    """The value at a rank, between its neighbours where it is not whole."""
    return float(np.interp(rank, np.arange(1, len(ordered) + 1), ordered))
