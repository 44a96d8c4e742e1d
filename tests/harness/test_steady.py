import numpy as np
import pandas as pd
import pytest

from tests.harness.rows import MS, frame, row
from vgate.harness.metrics.rates import Window
from vgate.harness.steady import rising

WINDOW = Window(0, 60_000 * MS)


def queue(load: float, seed: int, rate: float = 20.0, before_s: float = 30.0) -> pd.DataFrame:
    """A Poisson load on one server with exponential times of service, `before_s` before the window on."""
    draw = np.random.default_rng(seed)
    arrivals = draw.exponential(1 / rate, int(rate * (before_s + 70))).cumsum() - before_s
    free, rows = -before_s, []
    for arrived, service in zip(arrivals, draw.exponential(load / rate, len(arrivals)), strict=True):
        free = max(free, arrived) + service
        rows.append(row(t_int=arrived * 1000, tok=(free * 1000,)))
    return frame(*rows)


@pytest.mark.parametrize("seed", range(5))
def test_a_stable_queue_is_steady(seed: int) -> None:
    assert list(rising(queue(0.7, seed), WINDOW)) == []


@pytest.mark.parametrize("seed", range(5))
def test_an_overload_is_not(seed: int) -> None:
    """Half as much again as the server can do: 400 of 1,200 requests are left over after the window's minute."""
    (reason,) = rising(queue(1.5, seed, before_s=2.0), WINDOW)
    assert reason.startswith("the queue rises over the window, from ")


def test_a_rise_that_matters_to_nobody_is_none() -> None:
    """From 20 to 24 in flight, as straight as a line."""
    rows = frame(*(row(t_int=n * 50.0, tok=(n * 50.0 + 1000 + n / 6,)) for n in range(-40, 1300)))
    assert list(rising(rows, WINDOW)) == []


def test_what_fails_does_not_make_a_queue() -> None:
    """A fifth of the streams break off, and no stamp says when."""
    lost = {"t_end": None, "error": "connection reset"}
    rows = frame(
        *(row(t_int=n * 50.0, tok=(n * 50.0 + 200.0,), **(lost if n % 5 == 0 else {})) for n in range(-40, 1300))
    )
    assert list(rising(rows, WINDOW)) == []
