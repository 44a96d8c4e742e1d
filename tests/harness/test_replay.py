from pathlib import Path
from typing import Any

import pytest

from tests.harness.rows import FakeRun, frame, row, steady
from vgate.config import ConfigError, compose
from vgate.config.secrets import without_secrets
from vgate.harness.bundle import cells_of, with_keys
from vgate.harness.files import read_json, write_json, write_yaml
from vgate.harness.replay import Replay, folder_for
from vgate.harness.results import Run, load_run
from vgate.harness.schedule import schedule_of


def run_of(path: Path, *rows: Any, load: dict[str, Any] | None = None) -> Run:
    run = FakeRun(path)
    for number, one in enumerate(rows):
        run.add(one, {"batch": "lockstep"}, round=number, load=load or {"users": 1})
    return load_run(run.path)


def test_numbers_are_compared_by_configuration(tmp_path: Path) -> None:
    then = run_of(tmp_path / "then", *(steady(100, ttft_ms=50.0 + n) for n in range(3)))
    now = run_of(tmp_path / "now", *(steady(100, ttft_ms=55.0 + n) for n in range(3)))
    made = Replay(then, list(zip(then.results, now.results, strict=True)), [])
    (ttft,) = [line for line in made.comparison if line["number"] == "ttft_ms_p50"]
    assert (ttft["then"], ttft["now"], ttft["rounds"]) == (51.0, 56.0, 3)
    assert ttft["change"] == pytest.approx(5 / 51)
    assert ttft["interval"][0] < ttft["change"] < ttft["interval"][1]
    assert made.problems == []
    assert "batch=lockstep: ttft_ms_p50 51, now 56: +9.8% (95 % interval " in made.text
    assert "3 were measured before its hash was kept." in made.text


def test_what_went_wrong_is_told(tmp_path: Path) -> None:
    then = run_of(tmp_path / "then", steady(100), steady(100))
    busy = FakeRun(tmp_path / "now")
    busy.add(steady(100), cpu_share=0.9)
    made = Replay(then, [(then.results[0], load_run(busy.path).results[0]), (then.results[1], None)], [])
    assert made.problems[0].startswith("batch=lockstep: INVALID: the load driver used 90%")
    assert made.problems[1] == "batch=lockstep (round 2): could not be measured again"


def test_open_loops_are_held_to_their_times(tmp_path: Path) -> None:
    """A nanosecond counts; which requests there are at the end may differ."""

    def due(*moments: float) -> Any:
        return frame(*(row(t, tok=(t + 5, t + 6), request_id=f"ab-arrival{n}") for n, t in enumerate(moments)))

    rate = {"rate": 3.0}
    then = run_of(tmp_path / "then", due(1.0, 2.0, 3.0), load=rate)
    same = run_of(tmp_path / "same", due(1.0, 2.0, 3.0, 4.0), load=rate)
    other = run_of(tmp_path / "other", due(1.0, 2.000001, 3.0), load=rate)
    times = "requests were due at other times than in the run"
    assert times not in str(Replay(then, [(then.results[0], same.results[0])], []).problems)
    assert times in str(Replay(then, [(then.results[0], other.results[0])], []).problems)


def test_finished_replays_are_kept_and_unfinished_ones_go_on(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", steady(10))
    assert folder_for(run) == tmp_path / "run-replay"
    replay = FakeRun(tmp_path / "run-replay")
    assert folder_for(run) == tmp_path / "run-replay-2"
    write_json(replay.path / "manifest.json", read_json(replay.path / "manifest.json") | {"finished": False})
    assert folder_for(run) == tmp_path / "run-replay"


def kept(path: Path, *overrides: str) -> Run:
    """A run of one real configuration, as it is kept."""
    run = FakeRun(path)
    run.add(steady(10), {"batch": "lockstep"}, round=2)
    container = compose("bench", ["+preset=dry_run", "trial.seed=7", *overrides], {}).container
    write_yaml(run.path / "cells" / "cell1" / "config.yaml", without_secrets(container))
    return load_run(run.path)


def test_a_cell_is_made_again_from_what_is_kept(tmp_path: Path) -> None:
    keys = "security.api_keys=[{key: sk-a, name: a}, {key: sk-b, name: b}]"
    (cell,) = cells_of(kept(tmp_path / "run", "security=keys", keys))
    assert (cell.axes, cell.round, cell.settings.trial.seed) == ({"batch": "lockstep"}, 2, 7)
    assert [key["name"] for key in cell.container["security"]["api_keys"]] == ["a", "b"]
    assert len({key["key"] for key in cell.container["security"]["api_keys"]}) == 2


def test_what_was_secret_and_matters_is_told(tmp_path: Path) -> None:
    run = kept(tmp_path / "run", "cache=redis", "cache.url=redis://me:secret@host/0")
    with pytest.raises(ConfigError, match=r"^cache\.url = 'redis://\*\*\*@host/0' .* is not kept in a run"):
        cells_of(run)


def test_a_server_without_keys_gets_none() -> None:
    container = compose("bench", ["+preset=dry_run"], {}).container
    assert with_keys(container) is container


@pytest.mark.parametrize("load", ["closed", "poisson", "gamma", "constant"])
def test_a_schedule_has_a_hash_that_its_seed_and_settings_make(load: str) -> None:
    def of(seed: int, *overrides: str, count: int = 50) -> dict[str, Any]:
        return schedule_of(compose("bench", [f"load={load}", *overrides], {}).container, seed, count)

    assert of(1) == of(1)
    assert len({of(1)["schedule_sha256"], of(2)["schedule_sha256"], of(1, count=51)["schedule_sha256"]}) == 3
    assert of(1, "workload.prompt_tokens=33") != of(1)
    assert of(1, "batch=lockstep") == of(1)
