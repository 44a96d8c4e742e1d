"""A golden server in a process of its own."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

from vgate.harness import child

START_LIMIT_S = 30.0
LOOK_EVERY_S = 0.02


class GoldenServer:
    """A running one. pid: its process."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self._opener = build_opener(ProxyHandler({}))  # a proxy from the environment would stand between

    def stamps(self) -> dict[str, dict[str, Any]]:
        """Request id -> `vgate.harness.golden.server.Account`, for all streamed answers so far."""
        stamps: dict[str, dict[str, Any]] = json.loads(self._get("/stamps"))
        return stamps

    def tokens(self) -> float:
        """Tokens said so far."""
        return float(self._get("/metrics").split()[1])

    def _get(self, path: str) -> str:
        with self._opener.open(self.url + path, timeout=60) as answer:
            return str(answer.read().decode())


@contextmanager
def golden(log: Path, **options: float | None) -> Iterator[GoldenServer]:
    """Run one while the block runs: `golden(log, ttft_ms=50, itl_ms=10)`, options as on its command line.

    Raises RuntimeError, with its last words, if it does not start.
    """
    given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not None]
    begin = child.size(log)
    process = child.start(["vgate.harness.golden", *given], log)
    limit = time.monotonic() + START_LIMIT_S
    try:
        while not (said := log.read_bytes()[begin:]).endswith(b"\n") or not said.strip().isdigit():
            if process.poll() is not None or time.monotonic() > limit:
                last = child.last_lines(log, since=begin)
                raise RuntimeError(f"the golden server did not start; its log ends with:\n{last}")
            time.sleep(LOOK_EVERY_S)
        yield GoldenServer(f"http://127.0.0.1:{int(said)}", process.pid)
    finally:
        child.stop(process, patience_s=1.0)
