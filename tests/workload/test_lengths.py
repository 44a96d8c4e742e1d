import math
from collections import Counter
from statistics import fmean, median, pstdev

import pytest

from vgate.load.draws import Draws
from vgate.workload.lengths import MOST, lengths


def drawn(setting: object, count: int = 5000) -> list[int]:
    draws, made = Draws(1, "x"), lengths(setting)  # type: ignore[arg-type]
    return [made.draw(draws) for _ in range(count)]


def test_a_number_is_that_number() -> None:
    assert set(drawn(7, 10)) == {7}


def test_uniform_has_both_ends_and_no_favourites() -> None:
    found = Counter(drawn({"distribution": "uniform", "min": 3, "max": 7}))
    assert found.keys() == {3, 4, 5, 6, 7}
    assert all(count == pytest.approx(1000, abs=4 * 29) for count in found.values())


def test_normal_has_its_mean_and_spread() -> None:
    found = drawn({"distribution": "normal", "mean": 100, "stddev": 15})
    assert fmean(found) == pytest.approx(100, abs=4 * 15 / math.sqrt(5000))
    assert pstdev(found) == pytest.approx(15, rel=4 / math.sqrt(10_000))


def test_lognormal_has_its_median_and_two_thirds_within_a_sigma() -> None:
    found = drawn({"distribution": "lognormal", "median": 400, "sigma": 0.5})
    assert median(found) == pytest.approx(400, rel=0.04)
    assert fmean(400 / math.e**0.5 <= value <= 400 * math.e**0.5 for value in found) == pytest.approx(0.683, abs=0.027)


@pytest.mark.parametrize(
    "kind",
    [{"distribution": "normal", "mean": 10, "stddev": 20}, {"distribution": "lognormal", "median": 10, "sigma": 2}],
)
def test_what_falls_outside_is_drawn_again_not_moved_to_the_ends(kind: dict[str, object]) -> None:
    """Clipping would pile a quarter of all lengths onto one number."""
    found = Counter(drawn({**kind, "min": 5, "max": 15}))
    assert set(found) == set(range(5, 16))
    assert max(found.values()) < 1500


@pytest.mark.parametrize(
    "kind", [{"distribution": "normal", "mean": 1, "stddev": 3}, {"distribution": "lognormal", "median": 1, "sigma": 2}]
)
def test_no_length_is_less_than_1(kind: dict[str, object]) -> None:
    assert min(drawn(kind)) == 1


def test_no_length_is_more_than_any_machine_could_make() -> None:
    assert max(drawn({"distribution": "lognormal", "median": MOST, "sigma": 5}, 100)) <= MOST
