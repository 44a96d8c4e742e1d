"""Connections to the whole server without a network, in virtual time; and answers as they look on the wire."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any

from vgate.api.app import build_app
from vgate.api.server import server_of
from vgate.api.service import Service
from vgate.build import build_service
from vgate.config import get_config

HIGH, LOW = 65536, 16384
_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [A-Za-z '-]*\r\n")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)\r\n")
_CHUNK = re.compile(rb"([0-9a-f]+)\r\n")


class Malformed(ValueError):
    """What a server sent is no HTTP."""


@dataclass
class Answer:
    """One answer. `whole`: it has come to its end; one without a length ends when the connection does."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False


def answers(data: bytes, *, closed: bool, heads: bool = False) -> list[Answer]:
    """What came over one connection, cut into answers, by the letter of RFC 9112. Raises Malformed.

    heads: the requests were HEAD, whose answers have no body. Interim answers (100) are left out.
    """
    found: list[Answer] = []
    while data:
        head, blank, rest = data.partition(b"\r\n\r\n")
        if not blank:
            if closed:
                raise Malformed(f"broke off in a head: {data[-80:]!r}")
            break
        answer = _head(head + b"\r\n")
        if answer.status != 100:
            found.append(answer)
        data = rest if answer.status == 100 else _body(answer, rest, closed, heads)
    return found


def _head(head: bytes) -> Answer:
    line = _STATUS.match(head)
    if not line:
        raise Malformed(f"no status line: {head[:120]!r}")
    answer, at = Answer(int(line[1])), line.end()
    while at < len(head):
        one = _FIELD.match(head, at)
        if not one:
            raise Malformed(f"no header: {head[at : at + 80]!r}")
        name = one[1].decode().lower()
        if name in answer.headers:
            raise Malformed(f"{name} twice")
        answer.headers[name] = one[2].decode("latin-1")
        at = one.end()
    return answer


def _body(answer: Answer, rest: bytes, closed: bool, heads: bool) -> bytes:
    """Takes an answer's body; what is left."""
    if heads:
        answer.whole = True
        return rest
    if "content-length" in answer.headers:
        size = int(answer.headers["content-length"])
        answer.body, answer.whole = rest[:size], len(rest) >= size
        return rest[size:]
    if answer.headers.get("transfer-encoding") == "chunked":
        return _chunks(answer, rest)
    answer.body, answer.whole = rest, closed
    return b""


def _chunks(answer: Answer, rest: bytes) -> bytes:
    parts, at = [], 0
    while size := _CHUNK.match(rest, at):
        begin, length = size.end(), int(size[1], 16)
        if rest[begin + length : begin + length + 2] != b"\r\n":
            if len(rest) >= begin + length + 2:
                raise Malformed(f"no line end after a chunk: {rest[begin + length :][:20]!r}")
            break
        parts.append(rest[begin : begin + length])
        at = begin + length + 2
        if not length:
            answer.whole = True
            break
    answer.body = b"".join(parts)
    return rest[at:] if answer.whole else b""


class _Transport(asyncio.Transport):
    """The server's side. What is written is taken at once unless the client has stopped taking."""

    def __init__(self, client: "Client") -> None:
        super().__init__()
        self._client = client
        self._closing = False
        self.paused = False

    def write(self, data: Any) -> None:
        if not self._closing and not self._client.closed:
            self._client.written(bytes(data))

    def close(self) -> None:
        self._closing = True
        if not self._client.unsent:
            self._client.loop.call_soon(self._client.lost)

    def abort(self) -> None:
        self._closing, self._client.unsent = True, b""
        self._client.loop.call_soon(self._client.lost)

    def is_closing(self) -> bool:
        return self._closing

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._client.stays:
            self._client.loop.call_soon(self._client.leave)

    def get_write_buffer_size(self) -> int:
        return len(self._client.unsent)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 4000), "sockname": ("127.0.0.1", 8000)}.get(name, default)

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False
        self._client.loop.call_soon(self._client.deliver)


class Client:
    """A connection: send bytes, look at what came. It is left as soon as the server has nothing more to say.

    stays: it is not, and what has been begun is sent to its end.
    """

    def __init__(self, protocol: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.received, self.unsent, self._unread = b"", b"", b""
        self.closed = self._left = False
        self.taking = True
        self.stays = False
        self._protocol = protocol
        self._transport = _Transport(self)
        protocol.connection_made(self._transport)

    def send(self, data: bytes) -> None:
        self._unread += data
        self.deliver()

    def deliver(self) -> None:
        while self._unread and not self._transport.paused and not self.closed:
            piece, self._unread = self._unread[:HIGH], self._unread[HIGH:]
            self._protocol.data_received(piece)
        if self._left and not self._transport.paused and not self.closed:
            self._protocol.eof_received()
            self.lost()

    def leave(self) -> None:
        """Hang up; a server that does not read does not notice."""
        self._left = True
        self.deliver()

    def written(self, data: bytes) -> None:
        if self.taking:
            self.received += data
            return
        before, self.unsent = len(self.unsent), self.unsent + data
        if before <= HIGH < len(self.unsent):
            self._protocol.pause_writing()

    def take(self, count: int) -> None:
        """Of what waits to be sent."""
        before = len(self.unsent)
        self.received, self.unsent = self.received + self.unsent[:count], self.unsent[count:]
        if before > LOW >= len(self.unsent):
            self._protocol.resume_writing()

    def lost(self) -> None:
        if not self.closed:
            self.closed = True
            self._protocol.connection_lost(None)

    def answers(self, *, heads: bool = False) -> list[Answer]:
        return answers(self.received, closed=self.closed, heads=heads)


class Wired:
    """A started service behind its real protocol."""

    def __init__(self, service: Service, timeout_s: float) -> None:
        self.service = service
        self._server = server_of(build_app(service), 1.0, timeout_s, service.observer)
        self._server.config.load()

    def connect(self) -> Client:
        make: Any = self._server.config.http_protocol_class
        loop = asyncio.get_running_loop()
        state = self._server.server_state
        return Client(make(config=self._server.config, server_state=state, app_state={}, _loop=loop))

    async def idle(self) -> None:
        """Once no request is under way any more."""
        while self._server.server_state.tasks:
            await asyncio.wait(self._server.server_state.tasks)

    async def stop(self) -> None:
        await self.service.embedding.stop()
        await self.service.engine.stop()
        await self.service.close()


async def wired(*overrides: str) -> Wired:
    """A dry-run server, ready."""
    settings = get_config("+preset=dry_run", *overrides)
    service = build_service(settings)
    await service.engine.start()
    await service.embedding.start()
    return Wired(service, settings.server.client_timeout_s)


def request(body: bytes, path: str = "/v1/chat/completions", method: str = "POST", **headers: str) -> bytes:
    """A whole HTTP/1.1 request; underscores in header names stand for hyphens."""
    fields = {"host": "x", "content-type": "application/json", "content-length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body
