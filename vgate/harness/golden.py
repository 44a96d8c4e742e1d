"""A server whose timing is known: what the harness is checked against.

`python -m vgate.harness.golden --ttft-ms 50 --itl-ms 10` answers /v1/chat/completions with as many tokens as
max_tokens asks for, each at its due time, independent of load. `GET /stamps` tells when each chunk was written
(CLOCK_MONOTONIC nanoseconds), by request id. No model, no batching, no limits.
"""

import argparse
import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

CHUNKED = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"


@dataclass(frozen=True)
class Timing:
    """First content after `ttft_ms`, then a chunk of `bundle` tokens every `itl_ms * bundle`."""

    ttft_ms: float = 50.0
    itl_ms: float = 10.0
    bundle: int = 1


@dataclass
class Golden:
    """The server's answers and its own account of them. stamps: request id -> {received, written: [...]}."""

    timing: Timing
    tokens: int = 0
    stamps: dict[str, dict[str, Any]] = field(default_factory=dict)

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
            _whole(writer, {"object": "list", "data": [{"id": "golden", "object": "model"}]})
        elif path == "/metrics":
            _whole(writer, f"vgate_tokens_generated_total {self.tokens}.0\n")
        elif path == "/stamps":
            _whole(writer, self.stamps)
        else:
            _whole(writer, {"status": "ready"})

    async def _chat(self, ask: dict[str, Any], request_id: str, received: int, writer: asyncio.StreamWriter) -> None:
        count = ask.get("max_completion_tokens") or ask.get("max_tokens", 16)
        begin = asyncio.get_running_loop().time()
        if not ask.get("stream"):
            await self._until(begin, count - 1)
            self.tokens += count
            _whole(writer, {"choices": [{"message": {"content": "x" * count}}], "usage": _usage(count)})
            return
        writer.write(f"HTTP/1.1 200 OK\r\n{CHUNKED}X-Request-Id: {request_id}\r\n\r\n".encode())
        stamps: list[int] = []
        self.stamps[request_id] = {"received": received, "written": stamps}
        for first in range(0, count, self.timing.bundle):
            await self._until(begin, first)
            size = min(self.timing.bundle, count - first)
            if first == 0:
                _event(writer, {"role": "assistant", "content": ""}, None)
            self.tokens += size
            stamps.append(time.monotonic_ns())
            _event(writer, {"content": "x" * size}, "length" if first + size == count else None)
            await writer.drain()
        _chunk(writer, {"choices": [], "usage": _usage(count)})
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()

    async def _until(self, begin: float, token: int) -> None:
        due = begin + (self.timing.ttft_ms + token * self.timing.itl_ms) / 1e3
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


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


def _event(writer: asyncio.StreamWriter, delta: dict[str, Any], finish: str | None) -> None:
    _chunk(writer, {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _chunk(writer: asyncio.StreamWriter, content: dict[str, Any]) -> None:
    data = b"data: " + json.dumps(content).encode() + b"\n\n"
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))


def _usage(count: int) -> dict[str, int]:
    return {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1}


async def serve(timing: Timing, port: int) -> None:
    """Serve on the loopback address until cancelled; prints the port, which may be given as 0."""
    server = await asyncio.start_server(Golden(timing).connection, "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m vgate.harness.golden", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ttft-ms", type=float, default=50.0)
    parser.add_argument("--itl-ms", type=float, default=10.0)
    parser.add_argument("--bundle", type=int, default=1, help="tokens per chunk")
    args = parser.parse_args()
    asyncio.run(serve(Timing(args.ttft_ms, args.itl_ms, args.bundle), args.port))


if __name__ == "__main__":
    main()
