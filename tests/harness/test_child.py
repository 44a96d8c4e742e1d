import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from vgate.harness import child


def wait_until(what: object, limit_s: float = 20.0) -> None:
    deadline = time.monotonic() + limit_s
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    process = child.start(["timeit", "-n1", "-r1", "print('hello')"], tmp_path / "log")
    assert process.wait(20) == 0
    assert child.last_lines(tmp_path / "log", 2).startswith("hello")


def test_stop_ends_one_that_does_not_want_to(tmp_path: Path) -> None:
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    process = child.start(["timeit", "-n1", "-r1", code], tmp_path / "log")
    wait_until(lambda: "up" in (tmp_path / "log").read_text(encoding="utf-8"))
    child.stop(process, patience_s=0.2)
    assert process.returncode == -signal.SIGKILL


def test_a_silent_log_says_so(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    assert child.last_lines(tmp_path / "log") == "(it wrote nothing)"


def test_only_what_is_new_in_a_log_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert child.size(log) == 0
    log.write_text("an old error\n", encoding="utf-8")
    since = child.size(log)
    assert child.last_lines(log, since=since) == "(it wrote nothing)"
    with log.open("a", encoding="utf-8") as file:
        file.write("a new one\n")
    assert child.last_lines(log, since=since) == "a new one"


def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    """kill -9 on the bench leaves no server behind to disturb the next run."""
    program = (
        "import sys, time; from pathlib import Path; from vgate.harness import child\n"
        "process = child.start(['timeit', '-n1', '-r1', 'import time; time.sleep(60)'], Path(sys.argv[1]))\n"
        "print(process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    wait_until(lambda: not alive(pid))
