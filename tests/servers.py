"""Real servers for tests: `python -m vgate.serve` as its own process on a free port."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

START_LIMIT_S = 240.0


class Server:
    """A started process, its log lines so far, and ways to talk to it."""

    def __init__(self, process: "subprocess.Popen[str]", admin_socket: Path) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._admin = httpx.Client(transport=httpx.HTTPTransport(uds=str(admin_socket)), base_url="http://admin")
        self.reading = threading.Event()  # cleared: nobody takes what the server logs
        self.reading.set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.base_url = ""

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.reading.wait()
            if not line.endswith("\n"):
                return  # cut off: its process has ended while nobody read
            self.lines.append(json.loads(line))

    def find(self, message: str | tuple[str, ...], **fields: Any) -> list[dict[str, Any]]:
        """Log lines with this message, or one of these, and these fields."""
        messages = (message,) if isinstance(message, str) else message
        found = [line for line in list(self.lines) if line["message"] in messages]
        return [line for line in found if all(line.get(name) == value for name, value in fields.items())]

    def wait_for(
        self, message: str | tuple[str, ...], count: int = 1, limit_s: float = 10.0, **fields: Any
    ) -> list[dict[str, Any]]:
        """The log lines with this message, once there are so many: a line may be written after its answer was read."""
        deadline = time.monotonic() + limit_s
        while len(found := self.find(message, **fields)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} lines {message!r} {fields}"
            assert self.process.poll() is None or self._reader.is_alive(), self.stderr()
            time.sleep(0.01)
        return found

    def forget(self) -> None:
        """Start the log afresh, answers and prefixes too."""
        if self.admin("/reset").status_code == 200:
            self.wait_for("answers and prefixes forgotten")  # lines from before come before it
        self.lines.clear()

    def admin(self, path: str, body: Any = None) -> httpx.Response:
        return self._admin.post(path, json=body, timeout=30)

    def operate(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Any admin route."""
        return self._admin.request(method, path, json=body, timeout=30)

    def cache(self, method: str = "GET", path: str = "") -> httpx.Response:
        """The admin routes of the cache."""
        return self._admin.request(method, f"/cache{path}", timeout=30)

    def swap(self, **sections: dict[str, Any]) -> None:
        response = self.admin("/swap", sections)
        assert response.status_code == 200, response.text
        self.forget()

    def metric(self, name: str) -> float:
        """The sum over a metric's samples."""
        text = httpx.get(f"{self.base_url}/metrics", timeout=30).text
        rows = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(row.rpartition(" ")[2]) for row in rows)

    def stderr(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def stop(self, limit_s: float = 60.0) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(limit_s)
        finally:
            self.process.kill()
            self._reader.join(5)
            self._admin.close()
            for pipe in (self.process.stdout, self.process.stderr):
                assert pipe is not None
                pipe.close()


def start(*overrides: str, env: dict[str, str] | None = None, limit_s: float = START_LIMIT_S) -> Server:
    """Start a server and return when it is ready, or waits for its workers; one that is neither in time is stopped."""
    folder = tempfile.mkdtemp(prefix="vgate-test-")
    admin_socket = Path(folder) / "admin.sock"
    port = () if "--resolved" in overrides else ("server.port=0",)
    command = [sys.executable, "-m", "vgate.serve", "--admin-socket", str(admin_socket), *port, *overrides]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VGATE_")}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**clean, **(env or {})}
    )
    server = Server(process, admin_socket)
    try:
        line = server.wait_for("listening", limit_s=60)[0]
        server.base_url = f"{'https' if line['tls'] else 'http'}://127.0.0.1:{line['port']}"
        server.wait_for(("ready", "waiting for workers"), limit_s=limit_s)
    except BaseException:
        server.stop()
        raise
    return server


@contextlib.contextmanager
def running(*overrides: str, env: dict[str, str] | None = None, limit_s: float = START_LIMIT_S) -> Iterator[Server]:
    """A server for the length of a `with`; it must stop with exit code 0."""
    server = start(*overrides, env=env, limit_s=limit_s)
    try:
        yield server
    finally:
        code = server.stop()
    assert code == 0
