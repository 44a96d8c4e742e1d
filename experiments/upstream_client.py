"""What one request to a worker costs the gateway, by which HTTP client.

The same requests, so many at a time, to an instant server in a process of its own, by V-Gate's client, aiohttp's and
httpx's, in turn, several rounds of each; what is compared is the CPU time of this process, which other load on the
machine does not change much. Whole answers, and streams of which every event comes in a write of its own.

    python experiments/upstream_client.py

Writes rounds.csv, summary.json and manifest.json into ``results/upstream_client/``. The last line of output is one JSON
document.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from instant_worker import running
from written import write

from vgate.clock import precise_loop
from vgate.harness.circumstances import circumstances
from vgate.upstream.client import BETWEEN, Client, Timeouts
from vgate.workers.worker import Worker, WorkerSpec

PATH = "/v1/chat/completions"
Ask = Callable[[bytes], Awaitable[int]]


def main() -> int:
    """Measure, print a table, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=3000, help="of each round")
    parser.add_argument("--clients", type=int, default=32, help="requests at a time")
    parser.add_argument("--events", type=int, default=32, help="of a stream")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=Path("results/upstream_client"))
    options = parser.parse_args()
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    with running(options.events) as port, asyncio.Runner(loop_factory=precise_loop) as runner:
        rows = runner.run(measured(port, options))
    summary = told(rows)
    write(options.results, "rounds", rows, summary, manifest)
    print(json.dumps(summary))
    return 0


async def measured(port: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each client, form and round."""
    rows = []
    async with contenders(port) as asks:
        for number in range(options.rounds):
            for form, count in (("whole", options.requests), ("stream", options.requests // 4)):
                for name, ask in asks.items():
                    body = json.dumps({"model": "m", "messages": [], "stream": form == "stream"}).encode()
                    begun, cpu = time.perf_counter(), time.process_time()
                    size = await load(ask, body, count, options.clients)
                    spent, took = time.process_time() - cpu, time.perf_counter() - begun
                    row = {"round": number, "form": form, "client": name, "requests": count, "bytes": size}
                    rows.append(row | {"cpu_ms": 1000 * spent / count, "per_s": count / took})
    return rows


class contenders:  # noqa: N801  used like a function
    """The clients by name, open."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    async def __aenter__(self) -> dict[str, Ask]:
        import aiohttp
        import httpx

        self._aiohttp = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._httpx = httpx.AsyncClient(limits=httpx.Limits(max_connections=None))
        self._client = Client(Timeouts(connect_s=2, first_byte_s=60, between_s=60), keep_s=4)
        self._worker = Worker(WorkerSpec(self._url, "one", "Bearer sk-worker"))
        return {"vgate": self._by_vgate, "aiohttp": self._by_aiohttp, "httpx": self._by_httpx}

    async def __aexit__(self, *_: object) -> None:
        self._client.close()
        await self._aiohttp.close()
        await self._httpx.aclose()

    async def _by_vgate(self, body: bytes) -> int:
        connection = await self._client.post(self._worker, PATH, body, {"X-Request-Id": "0" * 32})
        size = 0
        while piece := await connection.more(60, BETWEEN):
            size += len(piece)
        self._client.over(self._worker, connection)
        return size

    async def _by_aiohttp(self, body: bytes) -> int:
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-worker", "X-Request-Id": "0" * 32}
        async with self._aiohttp.post(self._url + PATH, data=body, headers=headers) as response:
            return sum([len(piece) async for piece in response.content.iter_any()])

    async def _by_httpx(self, body: bytes) -> int:
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-worker", "X-Request-Id": "0" * 32}
        async with self._httpx.stream("POST", self._url + PATH, content=body, headers=headers) as response:
            return sum([len(piece) async for piece in response.aiter_raw()])


async def load(ask: Ask, body: bytes, count: int, clients: int) -> int:
    """So many requests, so many at a time; the bytes of one answer, which all must have."""
    left = iter(range(count))

    async def one_client() -> set[int]:
        return {await ask(body) for _ in left}

    sizes = set[int]().union(*await asyncio.gather(*(one_client() for _ in range(clients))))
    assert len(sizes) == 1, f"answers of different sizes: {sizes}"
    return sizes.pop()


def told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the rounds, printed and returned."""
    summary: dict[str, Any] = {}
    print(f"{'form':8}{'client':10}{'CPU ms/request':>16}{'requests/s':>12}")
    for form in ("whole", "stream"):
        for name in dict.fromkeys(row["client"] for row in rows):
            mine = [row for row in rows if (row["form"], row["client"]) == (form, name)]
            cpu_ms = statistics.median(row["cpu_ms"] for row in mine)
            per_s = statistics.median(row["per_s"] for row in mine)
            print(f"{form:8}{name:10}{cpu_ms:16.3f}{per_s:12.0f}")
            summary[f"{form}_{name}_cpu_ms"] = round(cpu_ms, 4)
        summary[f"{form}_aiohttp_over_vgate"] = round(
            summary[f"{form}_aiohttp_cpu_ms"] / summary[f"{form}_vgate_cpu_ms"], 2
        )
    return summary


if __name__ == "__main__":
    sys.exit(main())
