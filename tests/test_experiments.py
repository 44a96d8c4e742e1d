"""Experiments that need no model run, for a moment."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def ran(*command: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False
    )


def test_adaptive_regret_in_virtual_time(tmp_path: Path) -> None:
    """Two settings beside adaptive and passthrough, one trace: a table, a manifest, and targets met."""
    load = ["--rounds=2", "--seconds=12", "--traces", "poisson", "--sizes", "4", "--waits", "20"]
    done = ran("experiments/adaptive_regret.py", "--virtual", *load, f"--results={tmp_path}")
    assert done.returncode == 0, done.stderr
    adaptive, plain, control = json.loads(done.stdout.splitlines()[-1])["regret"]
    assert [one["setting"] for one in (adaptive, plain, control)] == ["adaptive", "passthrough", "passthrough, again"]
    assert (control["throughput"], control["ttft_p99"]) == (plain["throughput"], plain["ttft_p99"]), "exact"
    assert adaptive["within"]
    assert sorted(path.name for path in (tmp_path / "virtual").iterdir()) == [
        "cells.csv",
        "manifest.json",
        "regret.csv",
        "regret.md",
    ]


def test_soak_for_a_few_seconds(tmp_path: Path) -> None:
    """All kinds of requests, every target but the one on memory: caches are still being filled."""
    load = ["--seconds=12", "--settle=0", "--rate=100", f"--results={tmp_path}"]
    done = ran("experiments/soak.py", *load)
    assert done.stdout, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["wrong"] == {}
    seen = summary["seen"].keys()
    assert {"whole 200", "stream 200", "hit 200", "coalesced 200", "embeddings 200", "bad 400"} <= seen
    assert {"left in the head", "left in the body", "left soon", "left after the first bytes"} <= seen
    assert summary["gauges_left"] == {}
    targets = summary["targets"]
    assert targets.keys() == {"rate", "memory", "gauges", "series", "files", "statuses"}
    assert targets["rate"]
    assert targets["files"]
    assert done.returncode == (0 if all(targets.values()) else 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "samples.csv", "summary.json"]


def test_request_cost_of_a_few_requests() -> None:
    """A table line and a positive number for each kind."""
    done = ran("experiments/request_cost.py", "--rounds=1", "--requests=50")
    assert done.returncode == 0, done.stderr
    *table, last = done.stdout.splitlines()
    found = json.loads(last)
    assert len(found) == len(table) == 4
    assert all(kind["least_us"] > 0 for kind in found.values())


def test_S6_streams_go_on_when_their_workers_are_killed(tmp_path: Path) -> None:
    """Twice `kill -9` under 32 clients; `make kills` does it a hundred times."""
    load = ["--kills=2", "--workers=2", "--tokens=60", f"--results={tmp_path}"]
    done = ran("experiments/kills.py", *load)
    assert done.stdout, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["wrong"] == {}
    assert done.returncode == 0
    assert summary["kills"] == 2
    assert summary["answers"] > 60
    assert summary["continued"] >= 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.csv", "manifest.json", "summary.json"]
