"""A chat load from bare sockets: closed loop, one thread, cheap enough not to disturb what it measures."""

from __future__ import annotations

import json
import random
import re
import selectors
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle

WORDS = [
    "river",
    "stone",
    "cloud",
    "table",
    "green",
    "seven",
    "music",
    "paper",
    "light",
    "winter",
    "open",
    "under",
    "quick",
    "slow",
    "north",
]
CONTENT = re.compile(rb'"content":\s*"[^"]')
TOKENS = re.compile(rb'"completion_tokens":\s*(\d+)')
LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
SILENCE_S = 120.0


@dataclass
class Exchange:
    """One request on the wire and its answer; times in seconds of the monotonic clock."""

    connection: socket.socket
    sent: float
    first: float | None = None
    end: float = 0.0
    body: bytearray = field(default_factory=bytearray)
    size: int | None = None

    def feed(self, data: bytes, now: float) -> bool:
        """Take bytes in; true when the answer is whole."""
        self.body += data
        self.end = now
        if self.first is None:
            self._stamp_first(now)
        if self.size is None:
            return self.body.endswith(b"\r\n0\r\n\r\n")
        return len(self.body) >= self.size

    def tokens(self) -> int:
        """The answer's tokens by the server's own count; raises ValueError for any other answer."""
        counts = TOKENS.findall(self.body)
        if not self.body.startswith(b"HTTP/1.1 200") or self.first is None or not counts:
            raise ValueError(f"not a good answer: {self.body[:800].decode(errors='replace')}")
        return int(counts[-1])

    def _stamp_first(self, now: float) -> None:
        head, blank, rest = self.body.partition(b"\r\n\r\n")
        length = LENGTH.search(head) if blank else None
        if length:
            self.size = len(head) + len(blank) + int(length[1])
        if CONTENT.search(rest):
            self.first = now


def request_bytes(index: int, model: str, tokens: int, stream: bool) -> bytes:
    """A chat request for exactly `tokens` tokens; no two `index` have the same prompt."""
    pick = random.Random(index)  # noqa: S311 - seeded on purpose
    prompt = f"{index} " + " ".join(pick.choices(WORDS, k=24))
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], "max_tokens": tokens}
    body |= {"temperature": 0, "ignore_eos": True, "stream": stream}
    if stream:
        body["stream_options"] = {"include_usage": True}
    data = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(data)}\r\n"
    return head.encode() + b"content-type: application/json\r\n\r\n" + data


def drive(port: int | list[int], requests: list[bytes], clients: int) -> list[Exchange]:
    """Send all `requests`, `clients` at a time, each client on a kept-alive connection of its own.

    Of several ports each client has one.

    Raises ConnectionError if a connection closes in the middle of an answer and TimeoutError after
    SILENCE_S seconds without a byte.
    """
    waiting, done = iter(requests), []
    ports = cycle([port] if isinstance(port, int) else port)
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for request in (r for _, r in zip(range(clients), waiting, strict=False)):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", next(ports))))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ, _send(connection, request))
        while selector.get_map():
            for exchange in _readable(selector):
                data = exchange.connection.recv(65536)
                if exchange.feed(data, time.monotonic()):
                    done.append(exchange)
                    _next(selector, exchange.connection, next(waiting, None))
                elif not data:
                    raise ConnectionError(f"closed early, after {bytes(exchange.body[-300:])!r}")
    return done


def _readable(selector: selectors.BaseSelector) -> list[Exchange]:
    ready = selector.select(SILENCE_S)
    if not ready:
        raise TimeoutError(f"no byte from the server for {SILENCE_S:.0f} s")
    return [key.data for key, _ in ready]


def _send(connection: socket.socket, request: bytes) -> Exchange:
    sent = time.monotonic()
    connection.sendall(request)
    return Exchange(connection, sent)


def _next(selector: selectors.BaseSelector, connection: socket.socket, request: bytes | None) -> None:
    if request is None:
        selector.unregister(connection)
    else:
        selector.modify(connection, selectors.EVENT_READ, _send(connection, request))
