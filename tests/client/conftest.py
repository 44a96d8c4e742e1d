from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.client.loopback import Loopback


def _accept(listener: socket.socket, server: Loopback, workers: list[threading.Thread]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # the fixture shut the listener
            return
        worker = threading.Thread(target=_quietly, args=(server, connection))
        worker.start()
        workers.append(worker)


def _quietly(server: Loopback, connection: socket.socket) -> None:
    try:
        server.serve(connection)
    except (BrokenPipeError, ConnectionResetError):
        server.hung_up.set()  # the client left while we were still sending


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A running Loopback on a free port; fill its `scripts`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        loopback = Loopback(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        workers: list[threading.Thread] = []
        acceptor = threading.Thread(target=_accept, args=(listener, loopback, workers))
        acceptor.start()
        yield loopback
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join(5)
        for worker in workers:
            worker.join(5)
            assert not worker.is_alive(), "the client kept a connection open"
