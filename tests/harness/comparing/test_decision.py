import math

import pytest

from vgate.harness.comparing.decision import BETTER, SAME, UNDECIDED, WORSE, decide, ruling


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.021, 0.05), BETTER),
        ((0.02, 0.05), UNDECIDED),
        ((0.001, 0.05), UNDECIDED),
        ((0.001, 0.02), SAME),
        ((-0.02, 0.02), SAME),
        ((-0.021, 0.0), UNDECIDED),
        ((-0.05, -0.02), UNDECIDED),
        ((-0.05, -0.021), WORSE),
        (None, UNDECIDED),
    ],
)
def test_the_whole_interval_decides(interval: tuple[float, float] | None, verdict: str) -> None:
    assert ruling(interval, 0.02) == verdict


def test_without_a_margin_nothing_is_the_same() -> None:
    assert ruling((-0.001, 0.001), 0.0) == UNDECIDED
    assert ruling((0.001, 0.002), 0.0) == BETTER


def test_no_pairs() -> None:
    found = decide([], 0.02)
    assert (found.verdict, found.interval, found.pairs) == (UNDECIDED, None, 0)
    assert math.isnan(found.effect)


def test_what_the_metric_cannot_tell_apart_is_doubt() -> None:
    """Four pairs of equal counts do not prove equality to more than a request."""
    assert decide([0.0] * 4, 0.02, resolution=0.01).interval == (-0.01, 0.01)
    assert decide([0.0] * 4, 0.02, resolution=0.03).verdict == UNDECIDED


def test_better_and_worse_mirror_each_other() -> None:
    gains = [0.050, 0.052, 0.049, 0.051, 0.050, 0.0505]
    assert decide(gains, 0.02).verdict == BETTER
    assert decide([-gain for gain in gains], 0.02).verdict == WORSE
