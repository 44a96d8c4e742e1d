"""MLPerf's rule, against its published numbers and against exact sums."""

from fractions import Fraction
from math import comb

import pytest

from vgate.harness.capacity.early_stopping import at_most, fails, passes
from vgate.harness.metrics.percentile import minimum_n


@pytest.mark.parametrize(("bad", "count"), [(0, 459), (1, 662), (2, 838), (5, 1307)])
def test_so_many_requests_pass_p99_with_so_many_bad_ones(bad: int, count: int) -> None:
    assert passes(count, bad, 0.01)
    assert not passes(count - 1, bad, 0.01)


@pytest.mark.parametrize("percent", [50, 90, 95, 99, 99.9])
def test_without_a_bad_one_it_takes_as_many_as_the_percentile_itself(percent: float) -> None:
    needed = minimum_n(percent)
    assert passes(needed, 0, 1 - percent / 100)
    assert not passes(needed - 1, 0, 1 - percent / 100)


@pytest.mark.parametrize(("bad", "count", "share"), [(0, 10, 0.1), (3, 40, 0.05), (7, 50, 0.2), (49, 50, 0.9)])
def test_the_sum_is_exact(bad: int, count: int, share: float) -> None:
    p = Fraction(share)
    exact = sum(comb(count, k) * p**k * (1 - p) ** (count - k) for k in range(bad + 1))
    assert at_most(bad, count, share) == pytest.approx(float(exact), rel=1e-12)


def test_large_counts_do_not_underflow() -> None:
    assert at_most(10_000, 1_000_000, 0.01) == pytest.approx(0.5, abs=0.01)
    assert passes(1_000_000, 9_700, 0.01)
    assert not passes(1_000_000, 9_900, 0.01)


def test_failing_takes_more_than_chance_explains() -> None:
    """P(X >= 2) of 14 at 1 % is 0.8 %, of 20 it is 1.7 %."""
    assert fails(14, 2, 0.01)
    assert not fails(20, 2, 0.01)
    assert not fails(1000, 10, 0.01)
    assert fails(1000, 19, 0.01)


def test_what_neither_passes_nor_fails_is_undecided() -> None:
    assert not passes(1000, 7, 0.01)
    assert not fails(1000, 7, 0.01)


def test_effective_counts_are_rounded_against_passing() -> None:
    assert not passes(458.9, 0, 0.01)
    assert not passes(459.9, 0.1, 0.01)
    assert passes(662.9, 0.1, 0.01)
    assert not fails(14, 1.9, 0.01)
