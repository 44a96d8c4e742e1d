"""`python -m vgate.bench` as a person runs it: what a run leaves, and what is said of it."""

import csv
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.benches import QUICK, SWEEP, bench, measured, only_run, stamps, undisturbed
from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.parts import parts_ms
from vgate.harness.results import load_run


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """A finished sweep of two cells, neither INVALID."""
    results = tmp_path_factory.mktemp("swept")
    done = undisturbed(results, 2, *SWEEP)
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
    kept = measured(run)
    shutil.rmtree(next(path for path in (run / "cells").iterdir() if "passthrough" in path.name))
    refused = bench(tmp_path, *SWEEP)
    assert refused.returncode == 2
    assert "source: 0123456789abcdef, now " in refused.stderr
    assert "trial.mix=true" in refused.stderr
    bench(tmp_path, *SWEEP, "trial.mix=true")
    assert measured(run).keys() == kept.keys()
