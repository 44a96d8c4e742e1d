"""From a measurement to a preset to a server: the same components, told by the same hash."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.rows import FakeRun, steady
from tests.servers import running
from vgate.config import ConfigError
from vgate.harness.preset import Winner, write_preset
from vgate.harness.results import load_run
from vgate.preset import main

ROOT = Path(__file__).resolve().parents[1]
SHORT = [
    "trial.certify=false",
    "trial.warmup_s=0.2",
    "trial.duration_s=1",
    "trial.cooldown_s=0",
    "load.users=2",
    "workload.output_tokens=8",
]
SETTINGS = ["+preset=dry_run", "engine.decode_step_ms=5", "batch=lockstep", "batch.max_batch_size=3", "cache=lfu"]


def test_measured_written_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bench measured has the hash that the server logs which starts with the preset."""
    monkeypatch.chdir(tmp_path)
    python = {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "vgate.bench", *SETTINGS, *SHORT]
    done = subprocess.run(
        [*command, "--write-preset", "winner"], env=os.environ | python, capture_output=True, text=True, check=False
    )
    (run,) = Path("results").glob("*/")
    (result,) = load_run(run).results
    graph = result.about["graph_hash"]
    assert f"done, graph {graph}" in done.stderr
    if result.invalid:  # a second is short and the machine may be busy: show the rest of the way all the same
        assert "vgate: no preset: " in done.stderr
        write_preset(load_run(run), Winner(result.label, "Refused.", [result]), "winner")
    else:
        assert done.stdout.rstrip().endswith("conf/preset/winner.yaml")
    with running("+preset=winner", env=python) as server:
        assert server.find("listening")[0]["graph"] == graph
    with running("+preset=winner", "batch.max_batch_size=4", env=python) as server:
        assert server.find("listening")[0]["graph"] != graph


def test_one_round_of_a_sweep_writes_none_and_that_is_told_before(tmp_path: Path) -> None:
    sweep = [*SETTINGS[:2], *SHORT, "-m", "batch=passthrough,lockstep", f"trial.results_dir={tmp_path / 'r'}"]
    command = [sys.executable, "-m", "vgate.bench", *sweep, "--write-preset", "mine"]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    before, _, after = done.stderr.partition("server ready")
    assert (
        "note: so few rounds name no winner, and --write-preset writes only one; trial.rounds=3 may show it" in before
    )
    assert "vgate: no preset: " in after
    assert not (tmp_path / "conf").exists()


def test_a_name_that_is_taken_is_told_before_anything_is_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vgate.bench", "+preset=dry_run", f"trial.results_dir={tmp_path}"]
    done = subprocess.run([*command, "--write-preset", "classic"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "preset = 'classic' (from the command line): is there already" in done.stderr
    assert not list(tmp_path.iterdir())


def test_of_an_invalid_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(100), cpu_share=0.9)
    monkeypatch.setattr(sys, "argv", ["preset", str(run.path), "mine"])
    assert main() == 1
    assert capsys.readouterr().err.startswith("vgate: no preset: every measurement of this run is INVALID")


def test_of_a_run_in_which_nothing_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = FakeRun(tmp_path / "run")
    run.add_failure({"batch": "lockstep"}, "the server ended")
    monkeypatch.chdir(run.path)
    monkeypatch.setattr(sys, "argv", ["preset", ".", "mine"])
    assert main() == 1
    assert "none of the cells of" in capsys.readouterr().err


def test_no_run_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["preset", str(tmp_path), "mine"])
    with pytest.raises(ConfigError, match=r"no manifest\.json there"):
        main()
