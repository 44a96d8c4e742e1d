from pathlib import Path
from typing import Any

import pandas as pd
import pytest

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


def rounds(run: FakeRun, axes: dict[str, str], *goods: int, **changes: Any) -> None:
    """One configuration, round by round; with `invalid`, the numbers of the rounds that are INVALID."""
    invalid = changes.pop("invalid", ())
    for number, good in enumerate(goods):
        run.add(rows(good), axes, round=number, cpu_share=0.95 if number in invalid else 0.1, **changes)


def test_a_clear_winner(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    rounds(run, A1, 100, 100, 100, effective="a")
    rounds(run, A8, 98, 98, 98, effective="a")
    rounds(run, B, 50, 50, 50)
    found = verdict(run)
    assert found.headline == (
        "batch=passthrough is best: 99.00 good requests/s; the next, batch=lockstep, has 49.5% less (50.00)."
        " Good means TTFT <= 500 ms, TPOT <= 50 ms."
    )
    assert found.winner == "batch=passthrough"
    assert found.details[1].startswith("The noise of this machine in this run is 2.0%: batch=passthrough batch.max_")


@pytest.mark.parametrize(("count", "runs", "each"), [(1, "one run", "One run each"), (2, "2 runs", "2 runs each")])
def test_few_rounds_show_who_leads_and_prove_nothing(tmp_path: Path, count: int, runs: str, each: str) -> None:
    """However large the gap: how much another run would differ is not known."""
    run = FakeRun(tmp_path / "run")
    rounds(run, A, *[100] * count)
    rounds(run, B, *[50] * count)
    found = verdict(run)
    assert found.winner is None
    assert found.headline.startswith(
        f"batch=passthrough leads in {runs}, which is no proof: 100.00 good requests/s; the next, batch=lockstep, has"
        " 50.0% less (50.00); a winner needs trial.rounds=3."
    )
    assert found.details[0] == f"{each}: no interval (it needs trial.rounds=3 or more)."


def test_who_is_invalid_in_a_round_does_not_win_by_the_others(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    rounds(run, A, 100, 100, 10, 100, invalid=[2])
    rounds(run, B, 50, 50, 50, 50)
    found = verdict(run)
    assert found.winner is None
    assert found.headline.startswith(
        "No winner: batch=passthrough has the most good requests/s (100.00), but is INVALID in round 3: the load driver"
    )


def test_who_failed_in_a_round_does_not_win_by_the_others(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    rounds(run, A, 100, 100, 100)
    rounds(run, B, 50, 50, 50, 50)
    run.add_failure(A, "it died", number=3)
    found = verdict(run)
    assert found.winner is None
    assert "but is FAILED in round 4: it died." in found.headline


def test_only_rounds_that_both_have_are_compared(tmp_path: Path) -> None:
    """The third round was slow for everybody: who is INVALID in it is not better for that."""
    run = FakeRun(tmp_path / "run")
    rounds(run, A, 100, 101, 20, 102)
    rounds(run, B, 90, 91, 90, 92, invalid=[2])
    found = verdict(run)
    assert found.winner == "batch=passthrough"
    assert found.headline.startswith(
        "batch=passthrough is best: 101.00 good requests/s; the next, batch=lockstep, has 9.9% less (91.00)."
    )
    assert found.details[0].startswith("3 runs each: the 95 % interval")
    assert found.details[1].startswith("batch=lockstep cannot win, for it is INVALID in round 3: the load driver used")


def test_too_few_rounds_that_both_have(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    rounds(run, A, 100, 101, 102)
    rounds(run, B, 90, 91, 90, invalid=[1])
    assert "leads in 2 runs" in verdict(run).headline
    assert "batch=lockstep is valid in no more." in verdict(run).headline


def test_no_round_that_both_have(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(rows(100), A, round=0)
    run.add(rows(90), B, round=1)
    assert verdict(run).winner is None
    assert "they share no round in which both are valid" in verdict(run).headline


def test_what_was_asked_differently_is_not_ranked(tmp_path: Path) -> None:
    """At twice the rate everybody has more; the better at each is named, and nobody is better for the load."""
    run = FakeRun(tmp_path / "run")
    for rate, goods in (("100", (80, 60)), ("200", (150, 170))):
        for axes, good in zip((A, B), goods, strict=True):
            rounds(run, {**axes, "load.rate": rate}, *[good] * 3, load={"rate": float(rate)})
    found = verdict(run)
    assert found.winner is None
    assert found.headline == "Not one verdict but 2: cells that differ in load.rate were not asked the same."
    assert {name: one.winner for name, one in found.groups.items()} == {
        "load.rate=100.0": "batch=passthrough load.rate=100",
        "load.rate=200.0": "batch=lockstep load.rate=200",
    }
    assert found.details[0].startswith(
        "load.rate=100.0: batch=passthrough load.rate=100 is best: 80.00 good requests/s"
    )
    assert found.details[1].startswith("load.rate=200.0: batch=lockstep load.rate=200 is best: 170.00 good requests/s")


@pytest.mark.parametrize(
    "other",
    [
        {"slo": {"ttft_ms": 400.0, "tpot_ms": 50.0, "e2e_ms": None}},
        {"config": {"workload": {"prompt_tokens": 9}}},
        {"config": {"trial": {"name": "trial", "duration_s": 60.0}}},
    ],
    ids=["slo", "workload", "trial length"],
)
def test_each_thing_that_is_asked_parts_the_cells(tmp_path: Path, other: dict[str, Any]) -> None:
    run = FakeRun(tmp_path / "run")
    rounds(run, A, 100, 100, 100)
    rounds(run, B, 50, 50, 50, **other)
    assert len(verdict(run).groups) == 2


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
