import math
from pathlib import Path
from typing import Any

import pytest

from tests.harness.comparing.synthetic import GOODPUT, LATENCY
from tests.harness.rows import FakeRun, frame, row, steady
from tests.harness.rows import failed as refused
from vgate.config import ConfigError
from vgate.harness.comparing.unpaired import Sample, compare_runs, is_run, read_sample, welch

MARGIN = math.log1p(0.02)


def run_of(folder: Path, *counts: int, **changes: Any) -> Sample:
    """A run whose rounds had so many good requests per second."""
    run = FakeRun(folder)
    for number, count in enumerate(counts):
        run.add(steady(count), {"batch": "lockstep"}, round=number, **changes)
    return read_sample(str(folder))


def test_welch_by_hand() -> None:
    """Means 2 and 12, variances 1 and 4 of three values each: error sqrt(5/3), 2.941 degrees of freedom."""
    low, high = welch([1.0, 2.0, 3.0], [10.0, 12.0, 14.0]) or (0, 0)
    assert (low + high) / 2 == pytest.approx(10.0)
    assert high - 10 == pytest.approx(3.2187 * math.sqrt(5 / 3), rel=1e-4)


def test_welch_needs_three_of_each() -> None:
    assert welch([1.0, 2.0], [1.0, 2.0, 3.0]) is None


def test_two_runs_that_differ(tmp_path: Path) -> None:
    found = compare_runs(run_of(tmp_path / "a", 100, 101, 102), run_of(tmp_path / "b", 50, 51, 50), GOODPUT, MARGIN)
    assert found.decision.verdict == "worse"
    assert found.exit_code == 1
    assert not found.paired
    assert found.how == "Unpaired: 3 and 3 runs, measured at different times."
    assert found.document["change"] == pytest.approx(-0.502, abs=0.001)
    assert found.document["paired"] is False
    assert "A change of the machine between the two" in found.text


def test_two_rounds_decide_nothing(tmp_path: Path) -> None:
    found = compare_runs(run_of(tmp_path / "a", 100, 101), run_of(tmp_path / "b", 50, 51, 50), GOODPUT, MARGIN)
    assert (found.decision.verdict, found.exit_code) == ("undecided", 3)
    assert "A has 2 usable runs; an interval needs 3 (trial.rounds)." in found.text


def test_invalid_runs_take_no_part(tmp_path: Path) -> None:
    busy = run_of(tmp_path / "b", 50, 51, 50, cpu_share=0.9)
    found = compare_runs(run_of(tmp_path / "a", 100, 101, 102), busy, GOODPUT, MARGIN)
    assert found.exit_code == 4
    assert "Left out, 3 of 3 runs of B: INVALID: the load driver used 90%" in found.text


@pytest.mark.parametrize("failed", [True, False], ids=["FAILED", "INVALID"])
def test_runs_of_which_too_many_rounds_are_left_out_decide_nothing(tmp_path: Path, failed: bool) -> None:
    """However clear the others are."""
    path = tmp_path / "b"
    run = FakeRun(path)
    for number in range(3):
        run.add(steady(150 + number), {"batch": "lockstep"}, round=number)
    if failed:
        run.add_failure({"batch": "lockstep"}, "it died", number=3)
    else:
        run.add(steady(150), {"batch": "lockstep"}, round=3, cpu_share=0.9)
    found = compare_runs(run_of(tmp_path / "a", 100, 101, 102), read_sample(str(path)), GOODPUT, MARGIN)
    assert (found.decision.verdict, found.exit_code) == ("undecided", 3)
    assert "Left out, 1 of 4 runs of B: " + ("FAILED: it died" if failed else "INVALID: the load driver") in found.text
    assert "More than 20% of the runs of B had to be left out" in found.text


def test_a_latency_where_one_run_refuses_more_is_not_compared(tmp_path: Path) -> None:
    answered, refusing = FakeRun(tmp_path / "a"), FakeRun(tmp_path / "b")
    for number in range(3):
        answered.add(steady(100, ttft_ms=50 + number), round=number)
        answers = [row(10 * n, 0.01, (10 * n + 20, 10 * n + 30 + number)) for n in range(100)]
        refusing.add(frame(*answers, *(refused(9 * n) for n in range(40))), round=number)
    a, b = (read_sample(str(run.path)) for run in (answered, refusing))
    found = compare_runs(a, b, LATENCY, MARGIN)
    assert found.decision.verdict == "undecided"
    assert "Not comparable by e2e_ms_p50: A answered 100.0%" in found.text
    assert compare_runs(a, b, GOODPUT, MARGIN).decision.verdict == "same"


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"load": {"users": 2}}, "load.users (1 and 2)"),
        ({"slo": {"ttft_ms": 500.0, "tpot_ms": None, "e2e_ms": None}}, "slo.tpot_ms (50.0 and null)"),
        (
            {"config": {"trial": {"duration_s": 5.0, "seed": 1}}},
            "trial.duration_s (absent and 5.0), trial.seed (absent",
        ),
        ({"config": {"workload": {"prompt_tokens": 9}}}, "workload.prompt_tokens (absent and 9)"),
    ],
    ids=["load", "slo", "trial", "workload"],
)
def test_runs_that_were_not_asked_the_same_are_refused(tmp_path: Path, other: dict[str, Any], told: str) -> None:
    a, b = run_of(tmp_path / "a", 100, 101, 102), run_of(tmp_path / "b", 50, 51, 52, **other)
    with pytest.raises(ConfigError) as error:
        compare_runs(a, b, GOODPUT, MARGIN)
    assert f"A and B (from the command line) were not asked the same, {told}" in str(error.value)


def test_one_configuration_is_picked_of_several(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(10), {"batch": "passthrough"})
    run.add(steady(20), {"batch": "lockstep"})
    with pytest.raises(ConfigError, match=r"holds several configurations; allowed: .*::batch=passthrough, .*::batch="):
        read_sample(str(run.path))
    assert read_sample(f"{run.path}::batch=lockstep").results[0].numbers["requests"] == 20
    with pytest.raises(ConfigError, match="has no configuration 'batch=none'"):
        read_sample(f"{run.path}::batch=none")


def test_what_is_a_run(tmp_path: Path) -> None:
    run_of(tmp_path / "run", 10)
    assert is_run(str(tmp_path / "run"))
    assert is_run(f"{tmp_path}/run::batch=lockstep")
    assert not is_run("")
    assert not is_run("batch=lockstep")
    assert not is_run(str(tmp_path))
