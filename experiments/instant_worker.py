"""An OpenAI-compatible server that answers at once and costs next to nothing: what is left is the gateway's own cost.

Runs in a process of its own: ``python experiments/instant_worker.py EVENTS`` prints its port.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httptools
import uvloop

HEAD = {"id": "chatcmpl-instant", "created": 1, "model": "instant"}
USAGE = {"prompt_tokens": 9, "completion_tokens": 8, "total_tokens": 17}
MODEL = {"id": "instant", "object": "model", "created": 1, "owned_by": "nobody"}


def _json(status: str, body: object) -> bytes:
    data = json.dumps(body, separators=(",", ":")).encode()
    return f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data


def _event(body: object) -> bytes:
    data = b"data: " + (body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()) + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def _chunk(delta: dict[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return _event({**HEAD, "object": "chat.completion.chunk", "choices": [choice]})


WHOLE = _json(
    "200 OK",
    {
        **HEAD,
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "one two three"}, "finish_reason": "stop"}
        ],
        "usage": USAGE,
    },
)
MODELS = _json("200 OK", {"object": "list", "data": [MODEL]})
READY = _json("200 OK", {"ready": True})
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Instant(asyncio.Protocol):
    """One connection."""

    events = 32

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._url = self._body = b""

    def data_received(self, data: bytes) -> None:
        """Read on."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """A request begins."""
        self._url, self._body = url, b""

    def on_body(self, body: bytes) -> None:
        """Some of its body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Answer; of a stream each event in a write of its own, one a turn of the event loop."""
        if self._url == b"/v1/models":
            self._transport.write(MODELS)
        elif not self._url.startswith(b"/v1/"):
            self._transport.write(READY)
        elif b'"stream":true' in self._body or b'"stream": true' in self._body:
            said = [_chunk({"content": f" word{number}"}) for number in range(self.events)]
            parts = [_chunk({"role": "assistant", "content": ""}), *said, _chunk({}, "stop")]
            end = _event({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE})
            self._say(iter([STREAM, *parts, end, _event(b"[DONE]") + b"0\r\n\r\n"]))
        else:
            self._transport.write(WHOLE)

    def _say(self, parts: Iterator[bytes]) -> None:
        part = next(parts, None)
        if part is not None and not self._transport.is_closing():
            self._transport.write(part)
            asyncio.get_running_loop().call_soon(self._say, parts)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Instant, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running(events: int = 32) -> Iterator[int]:
    """The port of one, for the length of a `with`."""
    command = [sys.executable, str(Path(__file__)), str(events)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    Instant.events = int(sys.argv[1])
    uvloop.run(_serve())
