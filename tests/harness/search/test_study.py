from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vgate.harness.search.space import Axis
from vgate.harness.search.study import JOURNAL, Study, held

AXES = [Axis("batch", ("passthrough", "lockstep")), Axis("batch.max_batch_size", low=1, high=64, whole=True)]


def options(picks: Mapping[str, str]) -> dict[str, Any]:
    target = {"passthrough": "vgate.batch.passthrough.Passthrough", "lockstep": "vgate.batch.lockstep.Lockstep"}
    return {"batch": {"_target_": target[picks["batch"]], "max_batch_size": 8}}


def worth(picks: Mapping[str, str]) -> float:
    """Best at a batch size of 40."""
    return 100.0 - abs(int(picks.get("batch.max_batch_size", "0")) - 40)


def asked(folder: Path, trials: int) -> list[dict[str, str]]:
    study = Study(folder, AXES, seed=7, random_trials=8)
    made = []
    for _ in range(trials):
        trial, picks = study.ask(options, {})
        study.tell(trial, worth(picks))
        made.append(picks)
    return made


def test_the_same_answers_make_the_same_questions(tmp_path: Path) -> None:
    """A search that goes on asks again for what is there."""
    first = asked(tmp_path, 6)
    assert asked(tmp_path, 10)[:6] == first
    assert (tmp_path / JOURNAL).stat().st_size > 0


def test_an_axis_without_effect_is_not_chosen(tmp_path: Path) -> None:
    made = asked(tmp_path, 12)
    assert {"batch.max_batch_size" in picks for picks in made if picks["batch"] == "lockstep"} == {True}
    assert {"batch.max_batch_size" in picks for picks in made if picks["batch"] == "passthrough"} == {False}


def test_it_learns(tmp_path: Path) -> None:
    made = asked(tmp_path, 40)
    late = [worth(picks) for picks in made[25:]]
    assert sum(late) / len(late) > sum(worth(picks) for picks in made[:8]) / 8


def test_what_is_held_is_not_chosen_anew_and_invalid_is_no_value(tmp_path: Path) -> None:
    study = Study(tmp_path, AXES, seed=1, random_trials=4)
    trial, picks = study.ask(options, {})
    study.tell(trial, None)
    keep = held(trial, {"batch"})
    for _ in range(4):
        trial, again = study.ask(options, keep)
        assert again["batch"] == picks["batch"]
        study.tell(trial, 1.0)
