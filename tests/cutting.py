"""A server that passes connections on to another, and cuts one in the midst of its answer when it is told to."""

import contextlib
import socket
import struct
import threading
from typing import Self


class Cutting:
    """Listens on a free port for the length of a `with`.

    cut_after: of the next stream so many bytes pass, then its connection is reset; None: all pass.
    passed:    the bytes of all answers so far.
    """

    def __init__(self, port: int) -> None:
        self._behind = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.cut_after: int | None = None
        self.cuts = 0
        self.passed = bytearray()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._behind)) as server, contextlib.suppress(OSError):
            answering = threading.Thread(target=self._answer, args=(client, server), daemon=True)
            answering.start()
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := server.recv(512):
                passed += len(data)
                if self.cut_after is not None and b"text/event-stream" in data:
                    passed = len(data)
                if self.cut_after is not None and passed > self.cut_after:
                    self.cut_after, self.cuts = None, self.cuts + 1
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                self.passed += data
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)
