"""Workers that can be killed and started again, and the gateway in front of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from servers import free_port

WORKER = ("engine=dry_run", "cache=none", "dedup=none", "engine.decode_step_per_seq_ms=0", "engine.max_num_seqs=256")
GATEWAY = (
    "engine=upstream",
    "cache=none",
    "dedup=none",
    "engine.health.interval_s=0.3",
    "engine.health.slow_start_s=1",
)


class Worker:
    """One server on a port that stays the same."""

    def __init__(self, settings: list[str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", "vgate.serve", *settings, f"server.port={self.port}"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, limit_s: float = 60.0) -> None:
        """Return when it is ready."""
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, env=dict(os.environ), stdout=quiet, stderr=quiet)
        give_up = time.monotonic() + limit_s
        while time.monotonic() < give_up:
            try:
                with urllib.request.urlopen(f"{self.url}/ready", timeout=5):  # noqa: S310 - on this machine, over http
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise SystemExit(f"a worker is not ready at {self.url}")

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def starting(step_ms: float, *settings: str) -> Iterator[Worker]:
    """A worker for the length of a `with`."""
    worker = Worker([*WORKER, f"engine.decode_step_ms={step_ms:g}", *settings])
    worker.start()
    try:
        yield worker
    finally:
        worker.kill()


def gateway_command(port: int, urls: list[str], *settings: str) -> list[str]:
    """How a gateway in front of these workers is started."""
    listed = ", ".join(f"'{url}'" for url in urls)
    return [
        sys.executable,
        "-m",
        "vgate.serve",
        *GATEWAY,
        f"engine.workers=[{listed}]",
        f"server.port={port}",
        *settings,
    ]
