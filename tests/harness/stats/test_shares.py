import math

import numpy as np
import pytest

from tests.harness.stats.series import autoregressive
from vgate.harness.stats.shares import share_estimate


def test_independent_hits_have_the_exact_interval() -> None:
    hits = np.array([1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    found = share_estimate(hits)
    assert (found.value, found.n, found.n_eff) == (0.8, 10, 10)
    assert found.interval == (pytest.approx(0.4439, abs=1e-4), pytest.approx(0.9748, abs=1e-4))


def test_all_good_is_not_certain() -> None:
    assert share_estimate(np.ones(100)).interval == (pytest.approx(0.0250 ** (1 / 100)), 1.0)


def test_hits_in_runs_are_worth_fewer() -> None:
    found = share_estimate((autoregressive(10_000, 0.95) > 0).astype(float))
    assert found.n_eff is not None
    assert found.n_eff < 1000


def test_undefined_without_requests() -> None:
    found = share_estimate(np.array([]))
    assert found.value is not None
    assert math.isnan(found.value)
    assert found.interval is None
