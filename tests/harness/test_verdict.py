from pathlib import Path

import pandas as pd

from tests.harness.rows import FakeRun, failed, frame, steady
from vgate.harness.results import load_run
from vgate.harness.verdict import Verdict, judge

A, B = {"batch": "passthrough"}, {"batch": "lockstep"}
A1, A8 = ({**A, "batch.max_batch_size": size} for size in ("1", "8"))


def rows(good: int) -> pd.DataFrame:
    """A window with so many good requests per second."""
    return steady(good)


def verdict(run: FakeRun) -> Verdict:
    return judge(load_run(run.path))


def test_a_clear_winner(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(rows(100), A1, effective="a")
    run.add(rows(98), A8, effective="a")
    run.add(rows(50), B)
    found = verdict(run)
    assert found.headline == (
        "batch=passthrough is best: 99.00 good requests/s; the next, batch=lockstep, has 49.5% less (50.00)."
        " Good means TTFT <= 500 ms, TPOT <= 50 ms."
    )
    assert found.winner == "batch=passthrough"
    assert found.details[0] == "One run each: no interval (it needs trial.rounds=3 or more)."
    assert found.details[1].startswith("The noise of this machine in this run is 2.0%: batch=passthrough batch.max_")


def test_no_winner_within_the_noise(tmp_path: Path) -> None:
    """Two names for one thing differed by 10 %, so 5 % between two things says nothing."""
    run = FakeRun(tmp_path / "run")
    run.add(rows(100), A1, effective="a")
    run.add(rows(90), A8, effective="a")
    run.add(rows(90), B)
    found = verdict(run)
    assert found.winner is None
    assert found.headline.startswith(
        "No winner between batch=passthrough (95.00 good requests/s) and batch=lockstep (90.00):"
        " their difference of 5.3% is within the noise of this machine, 10.0%."
    )


def test_requests_at_the_edges_are_noise_too(tmp_path: Path) -> None:
    """Eight users in step: one wave of them more or less is 8 of 100 requests."""
    run = FakeRun(tmp_path / "run")
    run.add(rows(100), A, load={"users": 8})
    run.add(rows(95), B, load={"users": 8})
    assert "what the requests at the window's edges can make" in verdict(run).headline
    assert "the noise of this machine in this run is not known" in verdict(run).details[1]


def test_rounds_give_an_interval(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for number, (a, b) in enumerate([(100, 80), (110, 91), (104, 83)]):
        run.add(rows(a), A, round=number)
        run.add(rows(b), B, round=number)
    found = verdict(run)
    assert found.winner == "batch=passthrough"
    assert found.details[0] == (
        "3 runs each: the 95 % interval of the difference between the best two is +17.52 to +22.48 good requests/s."
    )


def test_no_winner_when_the_interval_includes_zero(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for number, (a, b) in enumerate([(100, 80), (80, 85), (104, 83)]):
        run.add(rows(a), A, round=number)
        run.add(rows(b), B, round=number)
    found = verdict(run)
    assert found.winner is None
    assert "the interval of their difference includes zero" in found.headline


def test_two_rounds_give_none(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for number in range(2):
        run.add(rows(100), A, round=number)
        run.add(rows(50), B, round=number)
    assert verdict(run).details[0].startswith("2 runs each: no interval")


def test_invalid_cells_take_no_part(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(rows(200), A, cpu_share=0.95)
    run.add(rows(100), B)
    found = verdict(run)
    assert found.headline.startswith("batch=lockstep: 100.00 good requests/s.")
    assert "1 of 2 measurements are INVALID and take no part in the verdict." in found.details


def test_without_targets_throughput_decides(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    none = {"ttft_ms": None, "tpot_ms": None, "e2e_ms": None}
    run.add(rows(100), A, slo=none)
    run.add(rows(50), B, slo=none)
    found = verdict(run)
    assert found.metric == "output_tokens_per_s"
    assert "output tokens/s" in found.headline
    assert "Good means" not in found.headline


def test_nobody_meets_the_targets(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for axes in (A, B):
        run.add(rows(100), axes, slo={"ttft_ms": 1.0, "tpot_ms": None, "e2e_ms": None})
    assert verdict(run).headline == "No winner: no configuration had any good requests/s. Good means TTFT <= 1 ms."


def test_nothing_valid(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(frame(failed()), A)
    run.add_failure(B, "it died")
    found = verdict(run)
    assert found.headline == "No verdict: there is no valid measurement."
    assert "Could not be measured: 1 of the cells." in found.details


def test_what_the_driver_noted_is_told_once(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(rows(100), A, load={"path": "trace.csv"}, note="The trace ended.")
    run.add(rows(50), B, load={"path": "trace.csv"}, note="The trace ended.")
    assert verdict(run).details.count("The trace ended.") == 1
