import math
from itertools import islice, pairwise
from statistics import fmean, pvariance

import pytest

from tests.load.settings import Recorder, workload
from vgate.load.poisson import Poisson


def gaps(rate: float, seed: int, count: int) -> list[float]:
    offsets = [0.0, *islice(Poisson(rate, workload()).offsets_s(seed), count)]
    return [after - before for before, after in pairwise(offsets)]


@pytest.mark.parametrize("rate", [0.5, 40.0])
def test_gaps_have_the_mean_and_variance_of_the_exponential(rate: float) -> None:
    """Within 4 standard errors at this fixed seed; a capped or rescaled schedule misses one of the two."""
    drawn = gaps(rate, seed=1, count=50_000)
    assert fmean(drawn) == pytest.approx(1 / rate, rel=4 / math.sqrt(50_000))
    assert pvariance(drawn) == pytest.approx(1 / rate**2, rel=4 * math.sqrt(8 / 50_000))


def test_long_gaps_are_not_capped() -> None:
    """The share of gaps above three means is e^-3; a cap there would raise the rate by 5 %."""
    drawn = gaps(1.0, seed=2, count=50_000)
    assert fmean(gap > 3 for gap in drawn) == pytest.approx(math.exp(-3), rel=0.1)
    assert max(drawn) > 8


def test_counts_in_windows_vary_as_poisson_counts_do() -> None:
    """Variance of the counts equals their mean; a schedule rescaled to its window would have none."""
    offsets = list(islice(Poisson(10.0, workload()).offsets_s(3), 20_000))
    counts = [0] * int(offsets[-1])
    for offset in offsets:
        if offset < len(counts):
            counts[int(offset)] += 1
    assert pvariance(counts) == pytest.approx(fmean(counts), rel=0.1)


def test_same_seed_same_schedule() -> None:
    load = Poisson(10.0, workload())
    assert list(islice(load.offsets_s(7), 100)) == list(islice(load.offsets_s(7), 100))
    assert list(islice(load.offsets_s(7), 100)) != list(islice(load.offsets_s(8), 100))


def test_the_schedule_is_what_is_driven() -> None:
    driver, load = Recorder(), Poisson(10.0, workload())
    load.drive(driver, seed=7)
    assert driver.users is None
    assert list(islice(driver.schedule, 5)) == list(islice(load.offsets_s(7), 5))
    assert load.offered_rate == 10.0
