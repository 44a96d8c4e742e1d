import math

import pytest
from scipy.stats import binom

from vgate.harness.stats.binomial import rank_interval, share_interval


def test_ranks_of_the_median_of_a_hundred_as_tables_have_them() -> None:
    low, high = rank_interval(100, 0.5) or (0, 0)
    assert (math.floor(low), math.ceil(high)) == (40, 61)


@pytest.mark.parametrize(("share", "least"), [(0.5, 6), (0.9, 36), (0.99, 368), (0.999, 3688), (0.01, 368)])
def test_none_below_the_least_number_that_has_such_ranks(share: float, least: int) -> None:
    assert rank_interval(least - 1, share) is None
    low, high = rank_interval(least, share) or (0, 0)
    assert 1 <= low < high <= least


@pytest.mark.parametrize(("count", "share"), [(50, 0.5), (500, 0.9), (2000, 0.99)])
def test_each_end_is_passed_with_a_probability_of_a_fortieth(count: int, share: float) -> None:
    """Whole ranks on either side of the ends are passed a little more and a little less often."""
    low, high = rank_interval(count, share) or (0, 0)
    assert binom.cdf(math.floor(low) - 1, count, share) <= 0.025 <= binom.cdf(math.ceil(low) - 1, count, share)
    assert binom.sf(math.ceil(high) - 1, count, share) <= 0.025 <= binom.sf(math.floor(high) - 1, count, share)


def test_counts_need_not_be_whole() -> None:
    whole, more = rank_interval(400, 0.5) or (0, 0), rank_interval(400.5, 0.5) or (0, 0)
    assert whole[0] < more[0] < whole[0] + 0.5


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"), [(8, 10, 0.4439, 0.9748), (0, 10, 0, 0.3085), (10, 10, 0.6915, 1)]
)
def test_shares_as_clopper_and_pearson_have_them(hits: float, count: float, low: float, high: float) -> None:
    assert share_interval(hits, count) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
