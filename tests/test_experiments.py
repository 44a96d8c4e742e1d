"""Experiments that need no server run."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_adaptive_regret_in_virtual_time(tmp_path: Path) -> None:
    """Two settings beside adaptive and passthrough, one trace: a table, a manifest, and targets met."""
    load = ["--rounds=2", "--seconds=12", "--traces", "poisson", "--sizes", "4", "--waits", "20"]
    command = [sys.executable, "experiments/adaptive_regret.py", "--virtual", *load, f"--results={tmp_path}"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300, check=False
    )
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
