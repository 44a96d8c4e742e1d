"""`python -m vgate.bench` as a person runs it, on the dry-run engine."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

from vgate.bench import main
from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.parts import parts_ms
from vgate.harness.results import load_run
from vgate.security.hashes import sha256_text

SHORT = [
    "engine=dry_run",
    "trial.warmup_s=0.3",
    "trial.duration_s=1",
    "trial.cooldown_s=0",
    "load.users=2",
    "trial.certify=false",
]
QUICK = [*SHORT, "engine.decode_step_ms=2", "workload.output_tokens=8", "workload.prompt_tokens=8"]
SWEEP = [*QUICK, "-m", "batch=passthrough,lockstep"]
BOTH = {"passthrough", "lockstep"}
BENCH = [sys.executable, "-m", "vgate.bench"]


def command(results: Path, *words: str) -> list[str]:
    return [*BENCH, *words, f"trial.results_dir={results}"]


def bench(results: Path, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, **environ}
    return subprocess.run(command(results, *words), capture_output=True, text=True, check=False, env=env)


def only_run(results: Path) -> Path:
    (run,) = (path for path in results.iterdir() if path.is_dir())
    return run


def stamps(run: Path) -> dict[str, str]:
    """When each finished cell was measured that need not be measured again: a busy machine makes some INVALID."""
    return {result.folder.name: result.about["started_utc"] for result in load_run(run).results if not result.invalid}


def measured(run: Path) -> dict[str, str]:
    """When each finished cell was measured, INVALID or not."""
    return {result.folder.name: result.about["started_utc"] for result in load_run(run).results}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """A finished sweep of two cells."""
    results = tmp_path_factory.mktemp("swept")
    done = bench(results, *SWEEP)
    return only_run(results), done


def test_a_run_folder_holds_everything(swept: tuple[Path, Any]) -> None:
    run, done = swept
    assert {path.name for path in run.iterdir()} >= {"manifest.json", "summary.csv", "report.html", "cells", "logs"}
    assert len(list((run / "cells").iterdir())) == 2
    for cell in (run / "cells").iterdir():
        names = {path.name for path in cell.iterdir()}
        assert names == {
            "cell.json",
            "config.yaml",
            "plan.json",
            "requests.parquet",
            "metrics_before.txt",
            "metrics_after.txt",
            "server.parquet",
            "gauges.parquet",
        }
        config = yaml.safe_load((cell / "config.yaml").read_text(encoding="utf-8"))
        assert config["engine"]["decode_step_ms"] == 2
        assert config["trial"]["duration_s"] == 1
    assert done.stdout.rstrip().endswith(str(run / "report.html"))


def test_the_manifest_says_under_which_circumstances(swept: tuple[Path, Any]) -> None:
    manifest = json.loads((swept[0] / "manifest.json").read_text(encoding="utf-8"))
    (session,) = manifest["sessions"]
    assert manifest["seed"] == 0
    assert manifest["finished"] is True
    assert session["command"].startswith("python -m vgate.bench engine=dry_run")
    assert session["packages"].keys() >= {"locust", "pandas", "gevent"}
    assert session["machine"]["cpu"]
    assert session["machine"]["cores"] >= 1
    assert session.keys() >= {"git", "python", "utc", "vgate"}
    assert session["wall_s"] > 2.6


def test_rows_metrics_and_summary_agree(swept: tuple[Path, Any]) -> None:
    run = load_run(swept[0])
    with (run.path / "summary.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert {line["batch"] for line in lines} == {"passthrough", "lockstep"}
    for line, result in zip(lines, run.results, strict=True):
        assert int(line["requests"]) == (result.rows["phase"] == "window").sum() > 5
        assert result.rows["error"].isna().all()
        # Every request, warm-up included, is in the server's own count.
        assert not [reason for reason in result.invalid if "counted" in reason]


def test_the_servers_side_tells_where_the_time_went(swept: tuple[Path, Any]) -> None:
    """Of every answer; held for company in lockstep only. No GPU is needed, and none is made up."""
    for result in load_run(swept[0]).results:
        assert result.server is not None
        assert result.gauges is not None
        assert set(result.rows["request_id"]) <= set(result.server["request_id"])
        assert not [reason for reason in result.invalid if "record" in reason or "server sent" in reason]
        parts = parts_ms(result.rows, result.server)
        assert parts.sum(axis=1, skipna=False).tolist() == pytest.approx(e2e_ms(result.rows).tolist())
        assert parts.min(axis=None) > -1e-6
        assert (result.numbers["batch_wait_ms_mean"] > 0) == (result.about["axes"]["batch"] == "lockstep")
        assert result.numbers["decode_ms_mean"] > 10
        assert len(result.gauges[result.window.holds(result.gauges["t"])]) >= 3
        assert result.gauges["in_flight"].max() == 2
        assert (result.numbers["energy_wh"] is None) == bool(result.gauges["gpu_power_w"].isna().all())


def test_one_engine_start_serves_the_sweep(swept: tuple[Path, Any]) -> None:
    run, done = swept
    assert done.stderr.count("server ready") == 1
    assert [path.name for path in (run / "logs").glob("server-*")] == ["server-1.log"]
    assert "cell 2 of 2: batch=" in done.stderr


def test_the_table_and_the_verdict_are_on_the_terminal(swept: tuple[Path, Any]) -> None:
    done = swept[1]
    assert done.stdout.lstrip().startswith("configuration  ")
    assert "One run each: no interval" in done.stdout


def test_running_again_measures_nothing_and_fresh_does(swept: tuple[Path, Any], tmp_path: Path) -> None:
    run = shutil.copytree(swept[0], tmp_path / swept[0].name)
    first, valid = measured(run), stamps(run)
    again = bench(tmp_path, *SWEEP)
    missing = 2 - len(valid)
    assert (f"{missing} of 2 cells to measure" if missing else "all 2 cells are there already") in again.stderr
    assert measured(run).keys() == first.keys()
    assert stamps(run).items() >= valid.items()
    assert len(json.loads((run / "manifest.json").read_text(encoding="utf-8"))["sessions"]) == 2
    bench(tmp_path, *SWEEP, "--fresh")
    assert measured(run).keys() == first.keys()
    assert not measured(run).items() & first.items()
    assert len(json.loads((run / "manifest.json").read_text(encoding="utf-8"))["sessions"]) == 1


def wait_for_cells(results: Path, count: int, process: "subprocess.Popen[Any]", limit_s: float = 60.0) -> None:
    deadline = time.monotonic() + limit_s
    while len(list(results.glob("*/cells/[!.]*/cell.json"))) < count:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


def gone(pid: int) -> bool:
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return True


def wait_until(what: Callable[[], bool], limit_s: float = 20.0) -> None:
    deadline = time.monotonic() + limit_s
    while not what():
        assert time.monotonic() < deadline
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


def test_keys_of_the_servers_configuration_are_used_and_not_kept(tmp_path: Path) -> None:
    keys = "security.api_keys=[{key: sk-very-secret, name: bench, rate_limit: 100000}]"
    bench(tmp_path, *QUICK, "security=keys", keys)
    (result,) = load_run(only_run(tmp_path)).results
    assert result.rows["error"].isna().all()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and b"sk-very-secret" in path.read_bytes()]
    assert kept == []


def test_of_a_hashed_key_the_bench_needs_the_key_itself(tmp_path: Path) -> None:
    words = [*QUICK, "security=keys", f"security.api_keys=[{{hash: '{sha256_text('sk-very-secret')}', name: bench}}]"]
    refused = bench(tmp_path, *words)
    assert refused.returncode == 2
    assert "a bench has to send the key itself: set VGATE_API_KEY" in refused.stderr
    bench(tmp_path, *words, "security.rate_limiting.enabled=false", VGATE_API_KEY="sk-very-secret")
    (result,) = load_run(only_run(tmp_path)).results
    assert result.rows["error"].isna().all()


def test_open_loop(tmp_path: Path) -> None:
    bench(tmp_path, *[word for word in QUICK if "users" not in word], "load=poisson", "load.rate=30")
    (result,) = load_run(only_run(tmp_path)).results
    assert 10 < result.numbers["requests"] < 60
    assert result.numbers["offered_per_s"] == pytest.approx(result.numbers["achieved_per_s"], rel=0.11)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["load.users=0"], "load.users = 0 (from the command line): must be greater than or equal to 1"),
        (["load.user=3"], "did you mean load.users?"),
        (["batch=lockstep,passthrough"], "needs `python -m vgate.bench -m`"),
        (["trial.name=a/b"], "trial.name = 'a/b' (from the command line)"),
        (["--frsh"], "--frsh"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(tmp_path: Path, words: list[str], line: str) -> None:
    done = bench(tmp_path, *QUICK, *words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert line in done.stderr
    assert not list(tmp_path.iterdir())


def test_cfg_job_shows_the_configuration(tmp_path: Path) -> None:
    done = bench(tmp_path, *QUICK, "--cfg", "job")
    shown = yaml.safe_load(done.stdout)
    assert shown["load"]["users"] == 2
    assert shown["trial"]["results_dir"] == str(tmp_path)
    assert shown["engine"]["decode_step_ms"] == 2


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


def test_what_has_no_effect_is_told(swept: tuple[Path, Any], tmp_path: Path) -> None:
    told = "batch.max_batch_size (from the command line) has no effect with batch=passthrough"
    assert f"# {told}" in bench(tmp_path, *QUICK, "batch.max_batch_size=3", "--cfg", "job").stdout
    shutil.copytree(swept[0], tmp_path / swept[0].name)
    assert bench(tmp_path, *SWEEP, "batch.max_batch_size=8").stderr.count(f"note: {told}\n") == 1


def test_a_run_of_another_source_does_not_go_on_unless_it_is_told_to(swept: tuple[Path, Any], tmp_path: Path) -> None:
    run = shutil.copytree(swept[0], tmp_path / swept[0].name)
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    manifest["sessions"][0]["source"] = "0123456789abcdef"
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "all 2 cells are there already" in bench(tmp_path, *SWEEP).stderr  # nothing new is measured
    kept = stamps(run)
    shutil.rmtree(next(path for path in (run / "cells").iterdir() if "passthrough" in path.name))
    refused = bench(tmp_path, *SWEEP)
    assert refused.returncode == 2
    assert "source: 0123456789abcdef, now " in refused.stderr
    assert "trial.mix=true" in refused.stderr
    bench(tmp_path, *SWEEP, "trial.mix=true")
    assert stamps(run).keys() == kept.keys()


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


def test_O6_nothing_secret_is_in_any_name_or_file_of_a_run(tmp_path: Path) -> None:
    """Given as axes, in the environment, and with a quote in it. Nobody answers at these places, and that is told."""
    urls = "cache.url=redis://:hunter2@127.0.0.1:1,redis://:hunter2@127.0.0.1:2"
    words = [*QUICK, "-m", "cache=redis", urls, "security=keys", 'security.api_keys=[{key: "hunter2\'x", name: a}]']
    environment = {**os.environ, "VLLM_API_KEY": "hunter2", "HF_TOKEN": "hunter2"}
    done = subprocess.run(command(tmp_path, *words), capture_output=True, text=True, check=False, env=environment)
    run = load_run(only_run(tmp_path))
    found = [result.about["axes"] for result in run.results] + [failure["axes"] for failure in run.failed]
    assert {axes["cache.url"] for axes in found} == {f"redis://***@127.0.0.1:{port}" for port in (1, 2)}
    assert "hunter2" not in done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        assert "hunter2" not in str(path)
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path
