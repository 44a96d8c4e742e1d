"""A loopback server that sends exactly the bytes a test gives it."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from typing import BinaryIO

HOLD = b""
"""In a script: send nothing more and wait until the client hangs up."""

CHAT = {
    "id": "chatcmpl-1",
    "model": "tiny",
    "system_fingerprint": "fp-9",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def answer(body: object, status: str = "200 OK", **headers: str) -> list[bytes]:
    """A whole JSON answer; underscores in header names stand for hyphens."""
    data = json.dumps(body).encode()
    return [_head(status, headers, "content-type: application/json", f"content-length: {len(data)}") + data]


def events(*pieces: bytes, end: bool = True, **headers: str) -> list[bytes]:
    """An event stream in HTTP chunks, one per piece; without `end` the connection just breaks off."""
    head = _head("200 OK", headers, "content-type: text/event-stream", "transfer-encoding: chunked")
    framed = [b"%x\r\n%s\r\n" % (len(piece), piece) if piece else HOLD for piece in pieces]
    return [head, *framed, *([b"0\r\n\r\n"] if end else [])]


def delta(text: str) -> bytes:
    """One event with a piece of text."""
    chunk = {"id": "c", "model": "tiny", "choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def _head(status: str, headers: dict[str, str], *lines: str) -> bytes:
    extra = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, *extra, "", ""]).encode()


@dataclass
class Loopback:
    """Answers the n-th request with the n-th script; remembers what was asked."""

    url: str
    scripts: list[list[bytes]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    bodies: list[dict[str, object]] = field(default_factory=list)
    connections: int = 0
    hung_up: threading.Event = field(default_factory=threading.Event)

    def serve(self, connection: socket.socket) -> None:
        self.connections += 1
        with connection, connection.makefile("rb") as reader:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._read_request(reader):
                script = self.scripts[len(self.heads) - 1]
                for piece in script:
                    if piece == HOLD:
                        assert reader.read(1) == b""
                        self.hung_up.set()
                        return
                    connection.sendall(piece)
                if not (script[-1].endswith(b"0\r\n\r\n") or b"content-length" in script[0]):
                    return

    def _read_request(self, reader: BinaryIO) -> bool:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = reader.readline()
            if not line:
                return False
            head += line
        text = head.decode().lower()
        length = int(text.split("content-length:")[1].split()[0])
        self.bodies.append(json.loads(reader.read(length)))
        self.heads.append(text)
        return True
