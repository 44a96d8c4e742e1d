from dataclasses import replace
from pathlib import Path

from tests.harness.rows import FakeRun, failed, frame, row, steady
from vgate.harness.advice import Step, advice
from vgate.harness.page.command import command, going_on
from vgate.harness.results import load_run
from vgate.harness.verdict import judge

A, B = {"batch": "passthrough"}, {"batch": "lockstep"}
RATE = {"rate": 100.0}
TIGHT = {"ttft_ms": 60.0, "tpot_ms": None, "e2e_ms": None}


def steps(run: FakeRun) -> list[Step]:
    loaded = load_run(run.path)
    return advice(loaded, judge(loaded))


def settings(run: FakeRun) -> list[str]:
    return [step.do for step in steps(run)]


def test_one_round_is_not_enough(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500), A, load=RATE)
    run.add(steady(400), B, load=RATE)
    assert settings(run)[0] == "trial.rounds=3"


def test_undecided_says_how_many_rounds_would_decide(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for number, (a, b) in enumerate([(500, 480), (480, 485), (504, 483)]):
        run.add(steady(a), A, round=number, load=RATE)
        run.add(steady(b), B, round=number, load=RATE)
    (wanted,) = [text for text in settings(run) if text.startswith("trial.rounds=")]
    assert 3 < int(wanted.partition("=")[2]) <= 20


def test_a_hopeless_difference_is_called_equal(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for number, (a, b) in enumerate([(500, 400), (400, 499), (500, 500)]):
        run.add(steady(a), A, round=number, load=RATE)
        run.add(steady(b), B, round=number, load=RATE)
    assert any("Take the best two as equal" in step.why for step in steps(run))


def test_more_rounds_do_not_mend_an_invalid_one(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for number in range(3):
        run.add(steady(500), A, round=number, load=RATE, cpu_share=0.9 if number == 1 else 0.1)
        run.add(steady(400), B, round=number, load=RATE)
    assert "1 measurements are INVALID." in steps(run)[0].why
    assert not any(text.startswith("trial.rounds=") for text in settings(run))


def test_the_edges_are_those_of_the_verdicts_best(tmp_path: Path) -> None:
    """Not of another configuration whose mean over the fewer rounds in which it is valid is higher."""
    run = FakeRun(tmp_path / "run")
    for number, (best, other) in enumerate([(500, 400), (500, 400), (500, 400), (100, 90)]):
        run.add(steady(best), {**A, "batch.max_batch_size": "4"}, round=number, load=RATE)
        size = {**A, "batch.max_batch_size": "8"}
        run.add(steady(other), size, round=number, load=RATE, cpu_share=0.9 if number == 3 else 0.1)
        run.add(steady(80), {**A, "batch.max_batch_size": "2"}, round=number, load=RATE)
    assert not any(text.startswith("batch.max_batch_size") for text in settings(run))


def test_what_was_dropped_was_tried(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for size, count in (("2", 300), ("4", 500), ("8", 400)):
        run.add(steady(count), {**A, "batch.max_batch_size": size}, load=RATE)
    largest = str({**A, "batch.max_batch_size": "8"})
    loaded = replace(load_run(run.path), dropped={largest: "it was dropped"})
    assert not any(step.do.startswith("batch.max_batch_size") for step in advice(loaded, judge(loaded)))


def test_groups_that_were_asked_the_same_are_looked_at_one_by_one(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for rate in (100, 200):
        for size in ("2", "4"):
            axes = {**A, "batch.max_batch_size": size, "load.rate": str(rate)}
            run.add(steady(rate * int(size)), axes, load={"rate": rate})
    found = steps(run)
    assert [step.do for step in found] == ["trial.rounds=3", "batch.max_batch_size=4,8", "trial.baseline=true"]
    assert found[1].why.startswith("load.rate=100: batch.max_batch_size was best at 4, the largest")


def test_the_edge_of_an_axis(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for size, count in (("2", 300), ("4", 400), ("8", 500)):
        run.add(steady(count), {**A, "batch.max_batch_size": size}, load=RATE)
    assert "batch.max_batch_size=8,16" in settings(run)


def test_the_lower_edge_and_no_edge(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for size, wait, count in (("2", "10", 500), ("4", "5", 400), ("4", "20", 300)):
        run.add(steady(count), {"batch.max_batch_size": size, "batch.max_wait_time_ms": wait}, load=RATE)
    assert "batch.max_batch_size=1,2" in settings(run)
    assert not any(text.startswith("batch.max_wait_time_ms=") for text in settings(run))


def test_an_axis_without_effect_has_no_edge(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500), {**A, "batch.max_batch_size": "1"}, effective="a", load=RATE)
    run.add(steady(499), {**A, "batch.max_batch_size": "8"}, effective="a", load=RATE)
    run.add(steady(300), B, load=RATE)
    assert not any(text.startswith("batch.max_batch_size") for text in settings(run))


def test_a_refused_p99_needs_a_longer_window(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(200), A, load=RATE)
    (step,) = [step for step in steps(run) if "p99" in step.why]
    assert step.why == "TTFT p99 is refused: it needs 459 requests, the window had 200."
    assert step.do == "trial.duration_s=3"  # 1 s x 459 / 200 with a tenth to spare, in whole seconds


def test_a_p99_among_requests_without_an_answer_needs_no_longer_window(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    answers = [row(float(n), tok=(n + 50.0, n + 60.0)) for n in range(600)]
    run.add(frame(*answers, *(failed(600.0 + n) for n in range(60))), A, load=RATE)
    assert not [step for step in steps(run) if "p99" in step.why]


def test_a_load_that_all_carry_tells_nothing(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500), A, load=RATE)
    run.add(steady(499), B, load=RATE)
    assert "load.rate=200" in settings(run)


def test_a_load_that_nobody_carries(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for axes in (A, B):
        run.add(steady(500, ttft_ms=100.0), axes, load=RATE, slo=TIGHT)
    assert "load.rate=50" in settings(run)


def test_closed_loops_and_invalid_and_failed_cells(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500), A)
    run.add(steady(400), B)
    run.add(steady(400), {"batch": "time_window"}, cpu_share=0.99)
    run.add_failure({"batch": "adaptive"}, "it died")
    found = settings(run)
    assert any("the same command measures them again" in step.why for step in steps(run))
    assert any(text.startswith("load=poisson load.rate=") for text in found)
    assert any("could not be measured" in step.why for step in steps(run))


def test_settings_go_into_the_runs_own_command(tmp_path: Path) -> None:
    run = load_run(_one(tmp_path).path)
    run.manifest["sessions"][-1]["command"] = "python -m vgate.bench +preset=cpu trial.rounds=1"
    assert command(run, "trial.rounds=3") == "python -m vgate.bench +preset=cpu trial.rounds=3"
    swept = "python -m vgate.bench +preset=cpu trial.rounds=1 -m batch.max_batch_size=8,16"
    assert command(run, "batch.max_batch_size=8,16") == swept
    assert command(run, "") == ""


def _one(tmp_path: Path) -> FakeRun:
    run = FakeRun(tmp_path / "run")
    run.add(steady(100), A)
    return run


def test_a_command_that_goes_on_throws_nothing_away_and_writes_no_preset() -> None:
    first = "python -m vgate.bench --fresh -m batch=passthrough,lockstep --write-preset mine trial.rounds=3"
    assert going_on(first) == "python -m vgate.bench -m batch=passthrough,lockstep trial.rounds=3"
    assert going_on("python -m vgate.bench --write-preset=mine") == "python -m vgate.bench"
