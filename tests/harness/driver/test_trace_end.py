"""A trace that is shorter than the window ends it, and says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.driver.conftest import WORKLOAD, Driven, GoldenServer
from vgate.harness.metrics.rates import Window, achieved_rate, offered_rate


def sections(tmp_path: Path, count: int, gap_ms: int) -> dict[str, dict[str, Any]]:
    path = tmp_path / "trace.jsonl"
    entry = '{{"timestamp": {}, "input_length": 8, "output_length": 8}}\n'
    path.write_text("".join(entry.format(number * gap_ms) for number in range(count)), encoding="utf-8")
    load = {"_target_": "vgate.load.trace.Trace", "path": str(path), "speed": 1.0, "start_s": 0.0, "max_rows": 1000}
    return {"load": load, "workload": WORKLOAD}


def test_a_short_trace_is_not_a_low_rate(
    drive: Callable[..., Driven], golden: Callable[..., GoldenServer], tmp_path: Path
) -> None:
    """40 requests at 20/s: with a warm-up of 0.5 s the window is 1.5 s long, and the rate in it 20/s."""
    driven = drive(golden(ttft_ms=5, itl_ms=0).url, sections(tmp_path, 40, 50), warmup_s=0.5, duration_s=5.0)
    outcome = driven.outcome
    assert len(driven.exchanges) == 40
    assert len(driven.window) == 30
    assert (outcome.window_end - outcome.window_start) / 1e9 == pytest.approx(1.5)
    assert outcome.note == "The trace ended 2.0 s after its begin: the window is 1.5 s long, not 5 s."
    window = Window(outcome.window_start, outcome.window_end)
    assert offered_rate(driven.rows, window) == pytest.approx(20)
    assert achieved_rate(driven.rows, window) == pytest.approx(20, rel=0.05)


def test_a_trace_that_outlasts_the_window_needs_no_note(
    drive: Callable[..., Driven], golden: Callable[..., GoldenServer], tmp_path: Path
) -> None:
    driven = drive(golden(ttft_ms=5, itl_ms=0).url, sections(tmp_path, 40, 50), warmup_s=0.2, duration_s=1.0)
    assert driven.outcome.note is None
    assert len(driven.window) == 20
