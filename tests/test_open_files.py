"""In processes of their own: a limit that has been lowered cannot always be raised again."""

import contextlib
import resource
import socket
import subprocess
import sys

from tests.servers import running
from vgate import open_files

PROGRAM = """
import resource
from vgate import open_files
resource.setrlimit(resource.RLIMIT_NOFILE, {lowered})
print(open_files.limit(), open_files.most(), open_files.raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def told(soft: int, hard: int) -> list[int]:
    program = PROGRAM.format(lowered=(soft, hard))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def health(client: socket.socket) -> bool:
    """Whether there is an answer; without one the connection has been closed."""
    with contextlib.suppress(ConnectionError):
        client.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        return client.recv(1000).startswith(b"HTTP/1.1 200")
    return False


def test_the_soft_limit_becomes_the_hard_one() -> None:
    assert told(256, 512) == [256, 512, 512, 512, 512]


def test_what_is_there_already_stays() -> None:
    assert told(512, 512) == [512] * 5


def test_no_limit_is_a_number_too() -> None:
    assert 0 < open_files.limit() <= open_files.most() <= open_files.MOST


def test_connections_beyond_the_limit_are_closed_and_do_no_harm() -> None:
    with running("+preset=dry_run") as server, contextlib.ExitStack() as stack:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (80, 80))
        host, port = "127.0.0.1", int(server.base_url.rpartition(":")[2])
        clients = [stack.enter_context(socket.create_connection((host, port), timeout=10)) for _ in range(120)]
        answered = [client for client in clients if health(client)]
        assert 20 < len(answered) < 80, "a few are the server's own"
        assert all(health(client) for client in answered)
        for client in clients:
            client.close()
        assert server.metric("process_max_fds") == 80
