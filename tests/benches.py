"""Running `python -m vgate.bench` as a person does, on the dry-run engine."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from vgate.harness.results import load_run

SHORT = [
    "engine=dry_run",
    "trial.warmup_s=0.3",
    "trial.duration_s=1",
    "trial.cooldown_s=0",
    "load.users=2",
    "trial.certify=false",
]
# Prefill is slow because a driver that is late by a twentieth of the TTFT makes a cell INVALID.
ENGINE = ["engine.prefill_tokens_per_s=800", "engine.decode_step_ms=2"]
QUICK = [*SHORT, *ENGINE, "workload.output_tokens=8", "workload.prompt_tokens=8"]
SWEEP = [*QUICK, "-m", "batch=passthrough,lockstep"]
BENCH = [sys.executable, "-m", "vgate.bench"]


def command(results: Path, *words: str) -> list[str]:
    return [*BENCH, *words, f"trial.results_dir={results}"]


def bench(results: Path, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, **environ}
    return subprocess.run(command(results, *words), capture_output=True, text=True, check=False, env=env)


def undisturbed(results: Path, cells: int, *words: str) -> "subprocess.CompletedProcess[str]":
    """A sweep of so many cells, none INVALID, which a busy machine makes of some: then it is measured anew."""
    for _ in range(5):
        done = bench(results, *words, "--fresh")
        if len(stamps(only_run(results))) == cells == len(measured(only_run(results))):
            return done
    raise AssertionError(f"disturbed each time; the last: {done.stdout} {done.stderr}")


def only_run(results: Path) -> Path:
    (run,) = (path for path in results.iterdir() if path.is_dir())
    return run


def stamps(run: Path) -> dict[str, str]:
    """When each finished cell was measured that need not be measured again: a busy machine makes some INVALID."""
    return {result.folder.name: result.about["started_utc"] for result in load_run(run).results if not result.invalid}


def measured(run: Path) -> dict[str, str]:
    """When each finished cell was measured, INVALID or not."""
    return {result.folder.name: result.about["started_utc"] for result in load_run(run).results}


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
