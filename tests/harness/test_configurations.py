from dataclasses import replace
from pathlib import Path

from tests.harness.rows import FakeRun, steady
from vgate.config import compose
from vgate.harness.baseline import is_classic
from vgate.harness.configurations import Configuration, configurations, shown
from vgate.harness.results import load_run
from vgate.harness.standing import counts, standing
from vgate.harness.verdict import judge

A, B = {"batch": "passthrough"}, {"batch": "lockstep"}
METRIC = "goodput_per_s"


def found(run: FakeRun) -> list[Configuration]:
    return configurations(load_run(run.path), METRIC)


def four_rounds(path: Path) -> FakeRun:
    run = FakeRun(path)
    for number, (a, b) in enumerate([(500, 400), (520, 410), (510, 405), (510, 405)]):
        run.add(steady(a), A, round=number)
        run.add(steady(b), B, round=number, cpu_share=0.9 if number == 1 else 0.1)
    return run


def test_rounds_are_one_configuration_and_the_best_is_first(tmp_path: Path) -> None:
    best, second = found(four_rounds(tmp_path / "run"))
    assert (best.label, best.value(METRIC)) == ("batch=passthrough", 510)
    assert best.interval(METRIC) is not None
    assert second.rounds(METRIC) == [400, 405, 405]  # the INVALID round takes no part


def test_a_percentile_refused_in_one_round_is_refused(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500), A)
    run.add(steady(400), A, round=1)
    (one,) = found(run)
    assert one.value("ttft_ms_p99") is None
    assert one.value("ttft_ms_p95") is not None


def test_the_baseline_is_shown_even_when_it_is_far_behind(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    classic = compose("serve", ["+preset=classic"], {}).container
    sections = {name: classic[name] for name in ("batch", "cache", "dedup")}
    for number in range(5):
        run.add(steady(500 - number), {"batch": f"b{number}"})
    run.add(steady(100), {"preset": "classic"}, config=sections)
    assert [one.short for one in shown(found(run), 3)] == ["b0", "b1", "classic"]
    assert is_classic(sections)
    assert not is_classic(sections | {"cache": None})


def test_who_stands_behind_the_verdict(tmp_path: Path) -> None:
    run = load_run(four_rounds(tmp_path / "run").path)
    winner, runner_up = standing(run, judge(run))
    assert winner == "The winner, batch=passthrough, is valid: all 4 rounds passed every check that could be made."
    assert runner_up.startswith(
        "The runner-up, batch=lockstep, is valid in 3 of 4 rounds and INVALID in the others: the load"
    )
    assert counts(run) == {"valid": 7, "INVALID": 1}


def test_two_rounds_are_too_few_for_an_interval(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for number in range(2):
        run.add(steady(400 + number), A, round=number)
    assert found(run)[0].interval(METRIC) is None


def test_those_who_stand_are_those_that_the_verdict_names(tmp_path: Path) -> None:
    """Two names of one thing are one; and who was dropped has the highest mean, of a few lucky rounds."""
    run = FakeRun(tmp_path / "run")
    for number in range(3):
        for size, good in (("1", 500), ("8", 440)):
            run.add(steady(good), {**A, "batch.max_batch_size": size}, round=number, effective="a")
        run.add(steady(380), B, round=number)
    run.add(steady(600), {"batch": "adaptive"})
    loaded = replace(load_run(run.path), dropped={str({"batch": "adaptive"}): "batch=adaptive was dropped"})
    verdict = judge(loaded)
    assert verdict.winner == "batch=passthrough"
    winner, runner_up = standing(loaded, verdict)
    assert winner == (
        "The winner, batch=passthrough, is valid: all 6 measurements passed every check that could be made."
    )
    assert runner_up.startswith("The runner-up, batch=lockstep, is valid: all 3 rounds passed")


def test_a_round_that_failed_is_told(tmp_path: Path) -> None:
    run = four_rounds(tmp_path / "run")
    run.add_failure(A, "it died", number=4)
    loaded = load_run(run.path)
    first, _ = standing(loaded, judge(loaded))
    assert first == "The first, batch=passthrough, is valid in 4 of 5 rounds and FAILED in the others: it died."


def test_each_group_that_was_asked_the_same_has_its_own(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    for rate in (100, 200):
        run.add(steady(rate), {**A, "load.rate": str(rate)}, load={"rate": rate})
    loaded = load_run(run.path)
    told = standing(loaded, judge(loaded))
    assert [line.partition(", is valid")[0] for line in told] == [
        "load.rate=100: The first, batch=passthrough load.rate=100",
        "load.rate=200: The first, batch=passthrough load.rate=200",
    ]


def test_a_run_without_a_valid_measurement(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(100), A, cpu_share=0.9)
    loaded = load_run(run.path)
    (words,) = standing(loaded, judge(loaded))
    assert words.startswith("The first, batch=passthrough, is INVALID: the load driver used 90% of a core")
