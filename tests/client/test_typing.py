from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).with_name("typed_example.py")


def test_mypy_strict_accepts_a_users_program() -> None:
    """The example also holds two wrong calls; mypy must find those, or their ignores are reported."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(EXAMPLE)]
    run = subprocess.run(command, cwd=EXAMPLE.parents[2], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
