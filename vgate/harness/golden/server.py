"""The golden server: HTTP, and its own account of what it wrote when."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from vgate.harness.golden.alarm import Alarm
from vgate.harness.golden.shapes import MIXED, MODEL, SHAPES, Shape
from vgate.harness.golden.timing import Timeline, Timing

CHUNKED = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
SPLIT_S = 0.001  # between the two halves of a character
USAGE_LATE_S = 0.02  # between the last token and the usage of an answer whose usage comes last


@dataclass
class Account:
    """What a streamed answer was.

    received, written: CLOCK_MONOTONIC ns; `written` has an entry for each chunk with text, made just before its last
    write. sizes: the tokens of these chunks; those of a chunk without text count with the next.
    """

    received: int
    tokens: int
    written: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)


class Golden:
    """Serves /v1/chat/completions, /v1/models, /metrics (tokens so far), /stamps (request id -> Account) and /ready.

    To be made in the event loop that runs it.
    """

    def __init__(self, timing: Timing, shape: Shape) -> None:
        self._alarm = Alarm()
        self._timeline = Timeline(timing)
        self._shape = shape
        self._streams = 0
        self._tokens = 0
        self._accounts: dict[str, Account] = {}

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one keep-alive connection until the client closes it."""
        try:
            while request := await _read_request(reader):
                await self._answer(*request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left
        finally:
            writer.close()

    async def _answer(self, path: str, request_id: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        received = time.monotonic_ns()
        if path == "/v1/chat/completions":
            await self._chat(json.loads(body), request_id, received, writer)
        elif path == "/v1/models":
            _whole(writer, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})
        elif path == "/metrics":
            _whole(writer, f"vgate_tokens_generated_total {self._tokens}.0\n")
        elif path == "/stamps":
            _whole(writer, {request_id: vars(account) for request_id, account in self._accounts.items()})
        else:
            _whole(writer, {"status": "ready"})

    async def _chat(self, ask: dict[str, Any], request_id: str, received: int, writer: asyncio.StreamWriter) -> None:
        count = ask.get("max_completion_tokens") or ask.get("max_tokens", 16)
        begin = self._timeline.begin(received / 1e9, count)
        if ask.get("stream"):
            self._accounts[request_id] = account = Account(received, count)
            await self._stream(_Stream(writer, request_id, ask), begin, account)
            return
        await self._until(begin, count - 1)
        self._tokens += count
        _whole(writer, {"choices": [{"message": {"content": "x" * count}}], "usage": _usage(count)})

    async def _stream(self, stream: "_Stream", begin: float, account: Account) -> None:
        shape = self._shape_of(stream.model)
        if shape.role_first:
            stream.role()
        said = unshown = 0
        for size, text in shape.chunks(account.tokens):
            await self._until(begin, said)
            if not said and not shape.role_first:
                stream.role()
            said, unshown = said + size, unshown + size
            self._tokens += size
            last = said == account.tokens and not shape.usage_last
            written = await stream.content(text, said, "length" if last else None, shape.split)
            if text:
                account.written.append(written)
                account.sizes.append(unshown)
                unshown = 0
        if shape.usage_last:
            await asyncio.sleep(USAGE_LATE_S)
            stream.finish(said)
        await stream.end(said)

    def _shape_of(self, model: str) -> Shape:
        if model != MIXED:
            return SHAPES.get(model, self._shape)
        self._streams += 1
        return list(SHAPES.values())[self._streams % len(SHAPES)]

    async def _until(self, begin: float, token: int) -> None:
        await self._alarm.at(round(self._timeline.due(begin, token) * 1e9))


class _Stream:
    """The events of one answer."""

    def __init__(self, writer: asyncio.StreamWriter, request_id: str, ask: dict[str, Any]) -> None:
        self.model = str(ask.get("model"))
        self._writer = writer
        self._usage_per_chunk = (ask.get("stream_options") or {}).get("continuous_usage_stats", False)
        writer.write(f"HTTP/1.1 200 OK\r\n{CHUNKED}X-Request-Id: {request_id}\r\n\r\n".encode())

    def role(self) -> None:
        self._write(self._choice({"role": "assistant", "content": ""}, None, 0))

    async def content(self, text: str, said: int, finish: str | None, split: bool) -> int:
        """A chunk; the moment at which its last byte was about to be written."""
        event = self._choice({"content": text}, finish, said)
        if split and text:
            middle = event.index(text.encode()) + 1
            self._write(event[:middle])
            await self._writer.drain()
            await asyncio.sleep(SPLIT_S)
            event = event[middle:]
        written = time.monotonic_ns()
        self._write(event)
        await self._writer.drain()
        return written

    def finish(self, said: int) -> None:
        self._write(self._choice({}, "length", said))

    async def end(self, said: int) -> None:
        self._write(_event({"choices": [], "usage": _usage(said)}))
        self._write(b"data: [DONE]\n\n")
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def _choice(self, delta: dict[str, Any], finish: str | None, said: int) -> bytes:
        usage = {"usage": _usage(said)} if self._usage_per_chunk else {}
        return _event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **usage})

    def _write(self, data: bytes) -> None:
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, bytes] | None:
    """Path, request id and body of the next request; None when the client has closed."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    request_line, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return request_line.split()[1], headers.get("x-request-id", ""), body


def _whole(writer: asyncio.StreamWriter, content: dict[str, Any] | str) -> None:
    body = (content if isinstance(content, str) else json.dumps(content)).encode()
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(content, ensure_ascii=False).encode() + b"\n\n"


def _usage(count: int) -> dict[str, int]:
    return {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1}


async def serve(timing: Timing, shape: Shape, port: int) -> None:
    """Serve on the loopback address until cancelled; prints the port, which may be given as 0."""
    server = await asyncio.start_server(Golden(timing, shape).connection, "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()
