"""Prometheus's own checker."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def promtool(*arguments: object) -> str:
    """What it says; an error of its is one of the test."""
    kept = ROOT / ".venv/bin/promtool"
    program = shutil.which("promtool") or (str(kept) if kept.exists() else None)
    assert program, "no promtool here: scripts/promtool.sh (`make test` runs it)"
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
