"""Experiments that need no server run."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

from vgate.harness.comparing.sides import read_sides

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


def test_compare_trials_counts_alarms_and_what_it_found() -> None:
    """A seed put into a composed cell makes the cell that is composed with it."""
    program = runpy.run_path(str(ROOT / "experiments" / "compare_trials.py"))
    made, composed = program["sides_of"]("slowed", 7, 0.05), read_sides("", "", [*program["COMMON"], "trial.seed=7"])
    assert made.a.seed == composed.a.seed
    assert made.a.container["trial"] == composed.a.container["trial"]
    assert made.b.settings.engine.decode_step_ms == 15.75
    kinds = [kind for kind, _ in program["planned"](8, 2)]
    assert (kinds.count("alike"), kinds.count("slowed")) == (8, 2)
    assert "slowed" in kinds[:5]
    assert "slowed" in kinds[5:]
    common = {"left_out": "0", "pairs": "4", "seconds": "8.0"}
    rows = [{**common, "kind": "alike", "verdict": "same", "low": "-0.01", "high": "0.01"}] * 19
    rows += [{**common, "kind": "alike", "verdict": "worse", "low": "0.03", "high": "0.04"}]
    rows += [{**common, "kind": "slowed", "verdict": "worse", "low": "0.03", "high": "0.06"}] * 9
    rows += [{**common, "kind": "slowed", "verdict": "undecided", "low": "", "high": ""}]
    summary = program["summary"](rows)
    assert (summary["alarms"], summary["intervals_without_zero"], summary["found"]) == (1, 1, 9)
    assert summary["within"]
    assert not program["summary"]([*rows, rows[19]])["within"]
