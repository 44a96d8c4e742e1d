import os
import subprocess
import sys
from pathlib import Path

from tests.load.settings import SAMPLES

ROOT = SAMPLES.parents[1]


def test_the_samples_are_those_that_their_program_draws(tmp_path: Path) -> None:
    """To the byte, so nothing in them comes from elsewhere."""
    command = [sys.executable, str(SAMPLES / "make.py"), str(tmp_path)]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in SAMPLES.iterdir() if path.suffix not in (".py", ".md")}
    assert made == kept
