"""Runs that are stopped, and cells that fail: what was measured stays, and the same command goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.benches import QUICK, SHORT, bench, children, command, gone, measured, only_run, stamps, wait_until
from vgate.bench import main
from vgate.harness.results import load_run

BOTH = {"passthrough", "lockstep"}


def wait_for_cells(results: Path, count: int, process: "subprocess.Popen[Any]", limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while len(list(results.glob("*/cells/[!.]*/cell.json"))) < count:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_a_stopped_run_keeps_its_cells_leaves_no_process_and_goes_on(tmp_path: Path, number: int) -> None:
    words = [*QUICK, "-m", "batch=passthrough,lockstep,time_window"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command(tmp_path / "r", *words), stdout=log, stderr=log)
        wait_for_cells(tmp_path / "r", 1, process)
        started = children(process.pid)
        os.kill(process.pid, number)
        process.wait(30)
    assert len(started) == 3  # server, driver, and what removes the server's folder
    wait_until(lambda: all(gone(pid) for pid in started))
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert "the same command goes on there" in (tmp_path / "log").read_text(encoding="utf-8")
    kept = stamps(only_run(tmp_path / "r"))
    assert 1 <= len(measured(only_run(tmp_path / "r"))) < 3
    bench(tmp_path / "r", *words)
    finished = measured(only_run(tmp_path / "r"))
    assert len(finished) == 3
    assert finished.items() >= kept.items()


def test_a_cell_that_fails_is_reported_and_the_sweep_goes_on(tmp_path: Path) -> None:
    """The second engine cannot start; the first cell and the report are there all the same."""
    done = bench(tmp_path, *SHORT[1:], "-m", "engine=dry_run,vllm", "model.model_id=models/nowhere")
    assert done.returncode == 1
    assert "engine=dry_run" in done.stdout
    assert "FAILED: engine=vllm: the server ended with exit code 1" in done.stdout
    assert "models/nowhere" in done.stdout
    run = load_run(only_run(tmp_path))
    assert [failure["axes"] for failure in run.failed] == [{"engine": "vllm"}]
    assert len(run.results) == 1


def test_an_invalid_cell_makes_the_exit_code_1_and_is_measured_again(tmp_path: Path) -> None:
    """A server that can only fail: prompts longer than the model takes."""
    done = bench(tmp_path, *QUICK, "model.max_model_len=4")
    assert done.returncode == 1
    assert "INVALID" in done.stdout
    assert "requests failed; first: HTTP 400" in done.stdout
    first = measured(only_run(tmp_path))
    again = bench(tmp_path, *QUICK, "model.max_model_len=4")
    assert again.returncode == 1
    assert "1 INVALID cells are measured again" in again.stderr
    assert "1 measurements were made again, up to 2 attempts" in again.stdout
    assert measured(only_run(tmp_path)).keys() == first.keys()
    assert not measured(only_run(tmp_path)).items() & first.items()
    assert len(list((only_run(tmp_path) / "attempts").iterdir())) == 1


def test_a_server_that_dies_costs_one_cell(tmp_path: Path) -> None:
    """The next cell gets a new one."""
    words = [*QUICK, "trial.duration_s=3", "-m", "batch=passthrough,lockstep"]
    process = subprocess.Popen(command(tmp_path, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: bool(list(tmp_path.glob("*/cells/.*/raw.bin"))), 60)
    (server,) = [pid for pid in children(process.pid) if b"vgate.serve" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(server, signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the server ended with exit code -9" in output
    run = load_run(only_run(tmp_path))
    assert {failure["axes"]["batch"] for failure in run.failed} | {run.results[0].about["axes"]["batch"]} == BOTH
    assert len(run.results) == 1
    assert len(list((run.path / "logs").glob("server-*"))) == 2


def test_a_kill_while_cells_are_taken_over_leaves_a_run_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its manifest is there before the first of them is."""

    def killed(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("vgate.harness.adoption.adopt", killed)
    monkeypatch.setattr(sys, "argv", ["vgate.bench", *QUICK, "trial.reuse=true", f"trial.results_dir={tmp_path}"])
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        main()
    signal.signal(signal.SIGTERM, handler)
    manifest = json.loads((only_run(tmp_path) / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["finished"] is False
    assert manifest["sessions"][0]["packages"]
