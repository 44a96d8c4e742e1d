"""`python -m vgate.replay` on a run of the dry-run engine."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rows import FakeRun, steady
from vgate.config import ConfigError
from vgate.harness.files import read_json, write_json
from vgate.harness.results import load_run
from vgate.harness.schedule import DIGEST, due_times
from vgate.replay import main

WORDS = [
    "+preset=dry_run",
    "security=keys",
    "security.api_keys=[{key: sk-secret, name: bench, rate_limit: 100000}]",
    "load=poisson",
    "load.rate=40",
    "workload.output_tokens=4",
    "trial.warmup_s=0.2",
    "trial.duration_s=1",
    "trial.cooldown_s=0",
    "trial.certify=false",
    "-m",
    "batch=passthrough,lockstep",
]


def program(name: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", name, *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, "subprocess.CompletedProcess[str]"]:
    results = tmp_path_factory.mktemp("replayed")
    program("vgate.bench", *WORDS, f"trial.results_dir={results}")
    (run,) = (path for path in results.iterdir() if path.is_dir())
    done = program("vgate.replay", str(run))
    return run, Path(f"{run}-replay"), done


def test_the_same_requests_at_the_same_times(replayed: tuple[Path, Path, Any]) -> None:
    """In the same order, from the folder alone: without the command, and without the API key, which is not kept."""
    run, again, done = replayed
    before, after = load_run(run).results, load_run(again).results
    assert "2 of 2 cells: the plan of requests is identical" in done.stdout, done.stderr
    assert [result.about["axes"] for result in after] == [result.about["axes"] for result in before]
    for old, new in zip(before, after, strict=True):
        then, now = due_times(old.rows, old.window), due_times(new.rows, new.window)
        shared = then.keys() & now.keys()
        assert len(shared) > 20
        assert {request: then[request] for request in shared} == {request: now[request] for request in shared}
        assert new.rows["error"].isna().all()
        assert new.about["graph_hash"] == old.about["graph_hash"]
    assert done.returncode == (1 if "INVALID" in done.stdout else 0)


def test_it_tells_and_keeps_how_far_the_numbers_agree(replayed: tuple[Path, Path, Any]) -> None:
    run, again, done = replayed
    kept = json.loads((again / "replay.json").read_text(encoding="utf-8"))
    assert kept["of"] == str(run)
    assert {row["number"] for row in kept["numbers"]} >= {"goodput_per_s", "e2e_ms_p50"}
    assert "batch=lockstep: e2e_ms_p50 " in done.stdout
    assert load_run(again).manifest["finished"]


def test_other_requests_are_no_replay(
    replayed: tuple[Path, Path, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A run whose hash says otherwise is refused before anything is measured."""
    run = shutil.copytree(replayed[0], tmp_path / "run")
    cell = next(run.glob("cells/*/cell.json"))
    write_json(cell, read_json(cell) | {DIGEST: "0" * 64})
    monkeypatch.setattr(sys, "argv", ["replay", str(run)])
    assert main() == 1
    assert "other requests would be made for batch=" in capsys.readouterr().err
    assert not Path(f"{run}-replay").exists()


def test_no_run_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["replay", str(tmp_path)])
    with pytest.raises(ConfigError, match=r"no manifest\.json there"):
        main()


def test_a_run_in_which_nothing_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = FakeRun(tmp_path / "run")
    run.add_failure({"batch": "lockstep"}, "the server ended")
    monkeypatch.setattr(sys, "argv", ["replay", str(run.path)])
    with pytest.raises(ConfigError, match=r"run: none of its cells was measured \(1 failed\), so there is nothing to"):
        main()
    assert not Path(f"{run.path}-replay").exists()


def test_the_folder_in_which_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.` where there is no run, where the manifest is another program's, and where there is a run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["replay", "."])
    with pytest.raises(ConfigError, match=r"^\.: no manifest\.json there"):
        main()
    (tmp_path / "manifest.json").write_text('{"manifest_version": 3}', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"manifest\.json: is not as V-Gate writes it: it has no name, question"):
        main()
    run = FakeRun(tmp_path / "run")
    run.add(steady(10))
    monkeypatch.chdir(run.path)
    with pytest.raises(ConfigError, match=r"is missing \(from .*cell1\)"):
        main()


def test_a_run_without_its_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(10))
    monkeypatch.setattr(sys, "argv", ["replay", str(run.path)])
    with pytest.raises(ConfigError, match=r"is missing \(from .*cell1\)"):
        main()
