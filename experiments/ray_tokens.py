"""How tokens should travel from a Ray Serve replica to the gateway.

One replica makes chunks of a stream's usual size as fast as they are taken, or one every few ms; this process reads
them, as a gateway would, in one of three ways: through the deployment's handle, chunk by chunk (once over Ray's object
references, once over Serve's own gRPC); through the handle, what has come within a few ms together; by HTTP from the
replica itself, with the client of engine=upstream. All of them in turns, several rounds: compare within a round.
Prints a table and, as its last line, JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_SERVE_LOG_TO_STDERR": "0"}

import ray
import uvicorn
from ray import serve

from vgate.api.sockets import listen
from vgate.clock import precise_loop
from vgate.upstream.client import Client, Timeouts
from vgate.workers.worker import Worker, WorkerSpec

CHUNK = (
    b'data: {"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":1764300000,"model":"tiny",'
    b'"choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}]}\n\n'
)
WINDOW_S = 0.005

Read = Callable[[int, float], AsyncIterator[bytes]]


async def chunks(count: int, every_s: float) -> AsyncIterator[bytes]:
    """The stream."""
    for _ in range(count):
        await asyncio.sleep(every_s)
        yield CHUNK


@serve.deployment(num_replicas=1, max_ongoing_requests=1000, ray_actor_options={"num_cpus": 0})
class Tokens:
    """The replica."""

    async def __init__(self) -> None:
        sock = listen("127.0.0.1", 0)
        self._port = sock.getsockname()[1]
        config = uvicorn.Config(_app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False)
        self._serving = asyncio.create_task(uvicorn.Server(config).serve([sock]))

    def port(self) -> int:
        """Where it serves HTTP."""
        return self._port

    async def single(self, count: int, every_s: float) -> AsyncIterator[bytes]:
        """Chunk by chunk."""
        async for chunk in chunks(count, every_s):
            yield chunk

    async def together(self, count: int, every_s: float) -> AsyncIterator[bytes]:
        """The first at once, then what has come within the window."""
        waiting: list[bytes] = []
        came = asyncio.Event()
        making = asyncio.create_task(_collect(chunks(count, every_s), waiting, came))
        while not (making.done() and not waiting):
            await came.wait()
            yield b"".join(waiting)
            waiting.clear()
            came.clear()
            if making.done():
                return
            await asyncio.sleep(WINDOW_S)
            if making.done():
                came.set()


async def _collect(source: AsyncIterator[bytes], waiting: list[bytes], came: asyncio.Event) -> None:
    async for chunk in source:
        waiting.append(chunk)
        came.set()
    came.set()


async def _app(_scope: Any, receive: Any, send: Any) -> None:
    count, every_s = json.loads((await receive())["body"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    async for chunk in chunks(count, every_s):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def ways(handle: Any, port: int) -> dict[str, Read]:
    """By name, how a stream is read."""
    client = Client(Timeouts(5, 60, 60), 60)
    worker = Worker(WorkerSpec(f"http://127.0.0.1:{port}", "replica"))

    async def http(count: int, every_s: float) -> AsyncIterator[bytes]:
        connection = await client.post(worker, "/", json.dumps([count, every_s]).encode(), {})
        while piece := await connection.more(60, "between_s"):
            yield piece
        client.over(worker, connection)

    def by_handle(method: str, **options: Any) -> Read:
        stream = getattr(handle.options(stream=True, **options), method)
        return stream.remote  # type: ignore[no-any-return]

    return {
        "handle": by_handle("single"),
        "handle, gRPC": by_handle("single", _by_reference=False),
        "handle, 5 ms together": by_handle("together"),
        "HTTP to the replica": http,
    }


async def measured(read: Read, streams: int, count: int, every_s: float) -> dict[str, float]:
    """Chunks a second of all streams, and milliseconds to the first chunk and from first to last beyond the ideal."""
    first: list[float] = []
    late: list[float] = []

    async def one() -> None:
        began, size, got = time.monotonic(), 0, 0.0
        async for piece in read(count, every_s):
            got = got or time.monotonic()
            size += len(piece)
        assert size == count * len(CHUNK), size
        first.append((got - began - every_s) * 1000)
        late.append((time.monotonic() - began - count * every_s) * 1000)

    began, cpu = time.monotonic(), time.process_time()
    await asyncio.gather(*(one() for _ in range(streams)))
    took = time.monotonic() - began
    return {
        "chunks_per_s": streams * count / took,
        "first_ms": statistics.median(first),
        "late_ms": statistics.median(late),
        "reader_cpu_us_per_chunk": (time.process_time() - cpu) / (streams * count) * 1e6,
    }


CASES = {"1 stream, unpaced": (1, 200, 0.0), "16 streams, unpaced": (16, 100, 0.0), "8 streams, 20 ms": (8, 50, 0.02)}


async def rounds(handle: Any, port: int, count: int) -> dict[str, dict[str, list[dict[str, float]]]]:
    """All ways of all cases, in turns."""
    found: dict[str, dict[str, list[dict[str, float]]]] = {case: {} for case in CASES}
    reading = ways(handle, port)
    for read in reading.values():
        await measured(read, 2, 20, 0.0)
    for _ in range(count):
        for case, (streams, chunks_each, every_s) in CASES.items():
            for name, read in reading.items():
                result = await measured(read, streams, chunks_each, every_s)
                found[case].setdefault(name, []).append(result)
    return found


def show(found: dict[str, dict[str, list[dict[str, float]]]]) -> None:
    """Medians of the rounds, and the throughput as a ratio within each round to the first way's."""
    for case, by_way in found.items():
        print(f"\n{case:24} {'chunks/s':>9} {'ratio':>7} {'first ms':>9} {'late ms':>8} {'reader us/chunk':>16}")
        base = next(iter(by_way.values()))
        for name, results in by_way.items():
            ratio = statistics.median(r["chunks_per_s"] / b["chunks_per_s"] for r, b in zip(results, base, strict=True))
            of = {key: statistics.median(r[key] for r in results) for key in results[0]}
            print(
                f"{name:24} {of['chunks_per_s']:9.0f} {ratio:7.2f} {of['first_ms']:9.1f} {of['late_ms']:8.1f} "
                f"{of['reader_cpu_us_per_chunk']:16.0f}"
            )


def main() -> int:
    """Start Ray, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        ray.init(
            num_cpus=8, include_dashboard=False, object_store_memory=100 << 20, _temp_dir=folder, log_to_driver=False
        )
        try:
            serve.start(proxy_location="Disabled")
            handle = serve.run(Tokens.bind(), route_prefix=None)
            port = handle.port.remote().result()
            with asyncio.Runner(loop_factory=precise_loop) as runner:
                found = runner.run(rounds(handle, port, args.rounds))
        finally:
            serve.shutdown()
            ray.shutdown()
    show(found)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
