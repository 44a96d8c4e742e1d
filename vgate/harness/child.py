"""Child processes that never outlive the bench."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def start(
    arguments: list[str], log: Path, environ: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """`python -m <arguments>`, its output appended to `log`.

    It has a session of its own, so Ctrl-C reaches only the bench, and the kernel kills it if the bench is killed.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 -- our own programs
            [sys.executable, "-m", *arguments],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environ or {})},
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 -- one system call, no lock
        )


def tell(process: subprocess.Popen[bytes], text: str) -> None:
    """Write `text` to the input of a process that has a pipe there, and close it. One that has ended hears nothing."""
    assert process.stdin is not None  # a pipe
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(text.encode())


def stop(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """SIGTERM; SIGKILL to its whole group where that is not enough."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def size(log: Path) -> int:
    """Bytes in a log so far; none where it does not exist."""
    return log.stat().st_size if log.exists() else 0


def last_lines(log: Path, count: int = 5, since: int = 0) -> str:
    """The end of a log, for an error message; of what was written after its first `since` bytes."""
    lines = [line for line in log.read_bytes()[since:].decode(errors="replace").splitlines() if line.strip()]
    return "\n".join(lines[-count:]) or "(it wrote nothing)"


def _die_with_parent() -> None:
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
