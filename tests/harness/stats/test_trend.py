from statistics import fmean

import numpy as np
import pytest

from tests.harness.stats.series import autoregressive
from vgate.harness.stats.trend import trend


def test_a_line_by_hand() -> None:
    found = trend(np.arange(100) * 0.5)
    assert found.rise == pytest.approx(50)
    assert found.chance < 1e-9


def test_a_constant_does_not_rise() -> None:
    assert trend(np.full(100, 3.0)) == (0.0, 1.0)


def test_a_rise_among_noise_is_found() -> None:
    found = trend(autoregressive(400, 0.8) + np.linspace(0, 10, 400))
    assert found.rise == pytest.approx(10, rel=0.3)
    assert found.chance < 0.001


def test_noise_with_memory_seldom_seems_to_rise() -> None:
    """At a chance of 5 %, 5 % of flat series should; an error that took values as independent would find 36 %."""
    assert fmean(trend(autoregressive(400, 0.9, seed)).chance < 0.05 for seed in range(300)) < 0.09
