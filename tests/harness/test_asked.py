from pathlib import Path
from typing import Any

from tests.harness.rows import FakeRun, steady
from vgate.harness.asked import asked, by_question, differing
from vgate.harness.results import Result, load_run

AXES = {"batch": "lockstep"}
TRIAL = {"name": "mine", "results_dir": "r", "seed": 3, "duration_s": 10.0, "rounds": 5, "drivers": 2}


def results(path: Path, *changes: dict[str, Any]) -> list[Result]:
    run = FakeRun(path / "run")
    for one in changes:
        run.add(steady(10), AXES, **one)
    return load_run(run.path).results


def test_what_decides_which_requests_are_sent_and_what_good_means(tmp_path: Path) -> None:
    load = {"_target_": "vgate.load.poisson.Poisson", "rate": 3.0}
    (one,) = results(tmp_path, {"load": load, "config": {"trial": TRIAL, "batch": {"max_batch_size": 8}}})
    assert asked(one) == {
        "load._target_": "vgate.load.poisson.Poisson",
        "load.rate": 3.0,
        "slo.ttft_ms": 500.0,
        "slo.tpot_ms": 50.0,
        "slo.e2e_ms": None,
        "trial.seed": 3,
        "trial.duration_s": 10.0,
    }


def test_files_that_the_load_is_made_from_are_part_of_it(tmp_path: Path) -> None:
    (one,) = results(tmp_path, {})
    before = asked(one)
    one.about["inputs"] = {"workload.path": "c0ffee", "model.model_id": "decade"}
    assert asked(one) == {**before, "workload.path (content)": "c0ffee"}  # a model is what is asked, not the question


def test_all_alike_are_one_group_without_a_name(tmp_path: Path) -> None:
    found = results(tmp_path, {}, {"config": {"batch": {"max_batch_size": 8}}})
    assert by_question(found) == {"": found}
    assert by_question([]) == {}


def test_groups_are_named_by_what_differs(tmp_path: Path) -> None:
    poisson = {"_target_": "vgate.load.poisson.Poisson", "rate": 3.0}
    closed = {"_target_": "vgate.load.closed.Closed", "users": 4}
    a, b, c = results(tmp_path, {"load": poisson}, {"load": closed}, {"load": poisson})
    assert by_question([a, b, c]) == {"load=poisson load.rate=3.0": [a, c], "load=closed load.users=4": [b]}
    assert differing([asked(a), asked(b)]) == ["load._target_", "load.rate", "load.users"]
