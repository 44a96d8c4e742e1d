import math
from statistics import fmean, pvariance

import pytest

from tests.load.settings import counts, gaps
from vgate.load.poisson import Poisson


@pytest.mark.parametrize("rate", [0.5, 40.0])
def test_gaps_have_the_mean_and_variance_of_the_exponential(rate: float) -> None:
    """Within 4 standard errors at this fixed seed; a capped or rescaled schedule misses one of the two."""
    drawn = gaps(Poisson(rate), seed=1, count=20_000)
    assert fmean(drawn) == pytest.approx(1 / rate, rel=4 / math.sqrt(20_000))
    assert pvariance(drawn) == pytest.approx(1 / rate**2, rel=4 * math.sqrt(8 / 20_000))


def test_long_gaps_are_not_capped() -> None:
    """The share of gaps above three means is e^-3; a cap there would raise the rate by 5 %."""
    drawn = gaps(Poisson(1.0), seed=2, count=20_000)
    assert fmean(gap > 3 for gap in drawn) == pytest.approx(math.exp(-3), rel=0.1)
    assert max(drawn) > 8


def test_counts_in_windows_vary_as_poisson_counts_do() -> None:
    """Variance of the counts equals their mean; a schedule rescaled to its window would have none."""
    found = counts(Poisson(10.0), seed=3, seconds=2000)
    assert pvariance(found) == pytest.approx(fmean(found), rel=0.1)
