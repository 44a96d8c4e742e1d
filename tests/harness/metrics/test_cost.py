"""Energy and what was had for it."""

from typing import Any

import pandas as pd
import pytest

from tests.harness.rows import MS, WINDOW, frame, row
from vgate.harness import gauges
from vgate.harness.metrics.cost import energy_wh, requests_per_wh, tokens_per_wh


def powers(*watts: float | None, every: float = 500.0, begin: float = -500.0) -> pd.DataFrame:
    """Power samples so many milliseconds apart."""
    samples: list[dict[str, Any]] = [
        {"t": round((begin + number * every) * MS), "gpu_power_w": power} for number, power in enumerate(watts)
    ]
    return gauges.frame(samples)


def test_energy_is_the_integral_of_power_over_the_window() -> None:
    """In the window, 0 to 1000 ms: half a second of 150 W on average, and half a second of 100 W."""
    assert energy_wh(powers(500, 100, 200, 0, 500), WINDOW) == pytest.approx(125 / 3600)


def test_the_windows_edges_lie_between_samples() -> None:
    """From 100 W at -500 ms to 400 W at 1000 ms: 200 W at 0."""
    assert energy_wh(powers(100, 400, every=1500), WINDOW) == pytest.approx(300 / 3600)


def test_a_sample_without_power_is_bridged() -> None:
    assert energy_wh(powers(100, None, 300, 400), WINDOW) == pytest.approx(300 / 3600)


@pytest.mark.parametrize(
    "samples",
    [
        powers(),
        powers(None, None, None, None),
        powers(100, 100, 100),
        powers(100, 100, 100, begin=100),
    ],
    ids=["no samples", "no power", "ends early", "begins late"],
)
def test_energy_that_was_not_read_is_absent(samples: pd.DataFrame) -> None:
    rows = frame(row())
    assert energy_wh(samples, WINDOW) is None
    assert requests_per_wh(rows, samples, WINDOW) is None
    assert tokens_per_wh(rows, samples, WINDOW) is None


def test_requests_and_tokens_in_the_window_for_its_energy() -> None:
    """Two answers of three tokens end in the window, one token more falls into it; 3600 W for a second are 1 Wh."""
    rows = frame(row(), row(1, tok=(100, 200, 300)), row(2, tok=(999, 1500, 1600)))
    samples = powers(3600, 3600, 3600, 3600)
    assert requests_per_wh(rows, samples, WINDOW) == pytest.approx(2)
    assert tokens_per_wh(rows, samples, WINDOW) == pytest.approx(7)
