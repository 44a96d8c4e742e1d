import math
from collections import Counter
from statistics import fmean, pvariance

import pytest

from vgate.load.draws import Draws, exp, ln


@pytest.mark.parametrize("x", [1e-300, 2**-53, 0.1, 0.5, 1.0, 2.0, 10.0, 1e300])
def test_ln_and_exp_are_those_of_mathematics(x: float) -> None:
    assert ln(x) == pytest.approx(math.log(x), rel=1e-15, abs=1e-300)
    assert exp(ln(x)) == pytest.approx(x, rel=2e-13)


def test_what_is_far_below_a_float_is_zero() -> None:
    assert exp(-1e6) == 0.0


def test_indexes_are_even() -> None:
    draws = Draws(1, "x")
    found = Counter(draws.index(8) for _ in range(8000))
    assert found.keys() == set(range(8))
    assert all(880 < count < 1120 for count in found.values())


def test_normals_are_normal() -> None:
    draws = Draws(1, "x")
    drawn = [draws.normal() for _ in range(20_000)]
    assert fmean(drawn) == pytest.approx(0, abs=4 / math.sqrt(20_000))
    assert pvariance(drawn) == pytest.approx(1, abs=4 * math.sqrt(2 / 20_000))
    assert fmean(abs(value) > 1.96 for value in drawn) == pytest.approx(0.05, abs=0.006)


@pytest.mark.parametrize("shape", [0.1, 1.0, 7.5])
def test_gammas_have_their_shape_as_mean_and_variance(shape: float) -> None:
    draws = Draws(2, "x")
    drawn = [draws.gamma(shape) for _ in range(20_000)]
    assert fmean(drawn) == pytest.approx(shape, rel=4 / math.sqrt(shape * 20_000))
    assert pvariance(drawn) == pytest.approx(shape, rel=4 * math.sqrt((2 + 6 / shape) / 20_000))


def test_streams_of_other_seeds_and_names_are_others() -> None:
    streams = [(0, "a"), (0, "b"), (1, "a")]
    assert len({Draws(seed, name).uniform() for seed, name in streams}) == 3
    assert Draws(0, "a").uniform() == Draws(0, "a").uniform()
