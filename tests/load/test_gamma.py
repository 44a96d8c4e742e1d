import math
from statistics import fmean, pvariance

import pytest

from tests.load.settings import counts, gaps
from vgate.load.gamma import Gamma

COUNT = 20_000


@pytest.mark.parametrize("burstiness", [0.25, 1.0, 4.0])
def test_gaps_have_the_mean_and_variance_of_the_gamma(burstiness: float) -> None:
    """Mean 1 / rate, variance 1 / (burstiness * rate^2), each within 4 standard errors at this seed."""
    drawn = gaps(Gamma(5.0, burstiness), seed=1, count=COUNT)
    assert fmean(drawn) == pytest.approx(0.2, rel=4 / math.sqrt(burstiness * COUNT))
    kurtosis = 3 + 6 / burstiness
    assert pvariance(drawn) == pytest.approx(0.04 / burstiness, rel=4 * math.sqrt((kurtosis - 1) / COUNT))


def test_with_shape_1_gaps_are_exponential() -> None:
    """Their share above t is e^-t, at every t."""
    drawn = gaps(Gamma(1.0, 1.0), seed=2, count=COUNT)
    for t in (0.1, 0.5, 1.0, 2.0, 4.0):
        share = math.exp(-t)
        assert fmean(gap > t for gap in drawn) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / COUNT))


def test_less_is_burstier() -> None:
    """Variance of the counts of a second over their mean: about 1 / burstiness."""
    spread = {}
    for burstiness in (0.25, 4.0):
        found = counts(Gamma(20.0, burstiness), seed=3, seconds=1000)
        spread[burstiness] = pvariance(found) / fmean(found)
    assert spread[0.25] == pytest.approx(4, rel=0.25)
    assert spread[4.0] == pytest.approx(0.25, rel=0.25)


def test_the_rate_is_as_offered() -> None:
    assert Gamma(8.0, 0.5).offered_rate == 8.0
