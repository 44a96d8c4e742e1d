from statistics import fmean

import numpy as np
import pytest

from vgate.harness.stats.correlation import Floats
from vgate.harness.stats.drift import drift
from vgate.harness.stats.trend import trend

SECONDS, PAGE_KIB = 540, 4
FLAT = range(300)


def walk(seed: int) -> Floats:
    """Pages that are taken and given back at random, now and then some."""
    draws = np.random.default_rng(seed)
    changes = PAGE_KIB * draws.integers(1, 20, SECONDS) * draws.choice([-1, 0, 1], SECONDS, p=[0.02, 0.96, 0.02])
    return 70_000 + np.cumsum(changes).astype(np.float64)


def test_a_constant_does_not_grow_and_a_line_does() -> None:
    assert drift(np.full(100, 3.0)) == (0.0, 1.0)
    assert drift(np.arange(100) * 0.5) == (49.5, 0.0)


def test_one_step_is_no_growth() -> None:
    """A line through it would be sure of one."""
    values = np.concatenate([np.full(300, 70_000.0), np.full(240, 70_072.0)])
    assert drift(values).rise == 72
    assert drift(values).chance > 0.1
    assert trend(values).chance < 0.05


def test_what_only_wanders_seldom_seems_to_grow() -> None:
    """At a chance of 5 %, 5 % of flat series should; a line finds a rise in many more."""
    assert fmean(drift(walk(seed)).chance < 0.05 for seed in FLAT) < 0.09
    assert fmean(trend(walk(seed)).chance < 0.05 for seed in FLAT) > 0.15


@pytest.mark.parametrize("seed", range(5))
def test_a_leak_of_sixteen_bytes_a_request_is_found_among_what_wanders(seed: int) -> None:
    """At 200 requests a second, a page at a time."""
    leak = np.floor(np.arange(SECONDS) * 16 * 200 / 1024 / PAGE_KIB) * PAGE_KIB
    assert drift(walk(seed) + leak).chance < 0.01
