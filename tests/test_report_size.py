"""A page does not grow with the number of requests."""

from pathlib import Path

from tests.harness.rows import FakeRun, steady
from vgate.harness.report import report
from vgate.harness.results import load_run

MAXIMUM = 2_000_000


def test_a_hundred_thousand_requests_are_less_than_two_megabytes(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    rows = steady(25_000, ttft_ms=20.0)
    rows["t_tok"] = [stamps + (index * 7919) % 50_000_000 for index, stamps in enumerate(rows["t_tok"])]
    for number in range(4):
        run.add(rows, {"batch": ("passthrough", "lockstep")[number % 2], "batch.max_batch_size": str(number)})
    page = report(load_run(run.path))
    assert page.count("<svg") == 8
    assert len(page.encode()) < MAXIMUM / 5  # a sweep of twenty configurations stays below it too
