import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.harness.test_child import wait_until
from vgate.harness.scratch import Scratch


def test_nobody_else_can_open_it_and_it_goes() -> None:
    scratch = Scratch("vgate-test-")
    assert scratch.path.stat().st_mode & 0o777 == 0o700
    (scratch.path / "file").write_text("x", encoding="utf-8")
    scratch.remove()
    assert not scratch.path.exists()


def test_it_goes_when_its_process_is_killed() -> None:
    program = (
        "import time; from vgate.harness.scratch import Scratch\n"
        "print(Scratch('vgate-test-').path, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path = Path(process.stdout.readline().strip())
    (path / "file").write_text("x", encoding="utf-8")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not path.exists())
