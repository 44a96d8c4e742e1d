"""Does a window help in front of continuous batching? And what does adaptive lose against the best fixed setting.

Five arrival traces, a grid of fixed settings (passthrough; time_window and lockstep over sizes and waits) and adaptive,
which starts each cell knowing nothing. On tiny vLLM behind one real server, whose strategy is exchanged between cells;
all settings of a round follow one another, so that a drift of the machine hits all alike. With ``--virtual`` on the
dry-run engine in virtual time: exact, no server, no vLLM.

    python experiments/adaptive_regret.py
    python experiments/adaptive_regret.py --virtual --seconds 20

Writes cells.csv, regret.csv, regret.md and manifest.json into ``results/adaptive_regret/<vllm or virtual>/``.
The last line of output is one JSON document.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from http_load import Exchange, request_bytes
from regret import ADAPTIVE, CONTROL, PLAIN, Row, markdown, regrets, table_of
from servers import environment, free_port, running, vgate_command
from traces import TRACES, Arrival, trace

from vgate import clock
from vgate.build import build_engine, build_gateway
from vgate.config import get_config
from vgate.harness.circumstances import circumstances
from vgate.harness.metrics.percentile import minimum_n
from vgate.observe.base import Observers
from vgate.record import Record
from vgate.types import Call

COMMON = ["cache=none", "dedup=none", "queue.max_waiting=100000"]
Timing = tuple[float, float, float]  # of one answer: due, first, end
Ask = Callable[[int, Arrival, float], Awaitable[Timing]]


def settings(sizes: Iterable[int], waits: Iterable[float]) -> dict[str, list[str]]:
    """Name -> how it is configured: what is compared."""
    grid = {
        f"{batch} {size} {wait:g} ms": [
            f"batch={batch}",
            f"batch.max_batch_size={size}",
            f"batch.max_wait_time_ms={wait}",
        ]
        for batch in ("time_window", "lockstep")
        for size in sizes
        for wait in waits
    }
    return {PLAIN: ["batch=passthrough"], CONTROL: ["batch=passthrough"], ADAPTIVE: ["batch=adaptive"], **grid}


async def play(arrivals: list[Arrival], ask: Ask) -> list[Timing]:
    """Ask at the times of a trace, whether or not earlier answers have ended."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    tasks = []
    for number, arrival in enumerate(arrivals):
        await asyncio.sleep(max(0.0, start + arrival.at - loop.time()))
        tasks.append(asyncio.create_task(ask(number, arrival, start + arrival.at)))
    return await asyncio.gather(*tasks)


def row_of(name: str, setting: str, number: int, timings: list[Timing]) -> Row:
    """TTFT counts from when a request was due, so that a late client makes it longer, not shorter."""
    ttft = [1e3 * (first - due) for due, first, _ in timings]
    lasted = max(end for _, _, end in timings) - min(due for due, _, _ in timings)
    return Row(name, setting, number, len(timings) / lasted, ttft)


class Virtual:
    """The gateway on the dry-run engine, in virtual time."""

    def measure(self, overrides: list[str], arrivals: list[Arrival], _seed: int) -> list[Timing]:
        """All of a trace with a gateway of its own."""
        return clock.run(self._measure(overrides, arrivals))

    async def _measure(self, overrides: list[str], arrivals: list[Arrival]) -> list[Timing]:
        config = get_config("+preset=dry_run", *COMMON, *overrides)
        engine = build_engine(config)
        await engine.start()
        gateway = build_gateway(config, engine, Observers())

        async def ask(number: int, arrival: Arrival, due: float) -> Timing:
            message = {"role": "user", "content": f"{number} " + "word " * 30}
            body = {"messages": [message], "max_tokens": arrival.tokens, "stream": True}
            record = Record(f"{number}", "chat", "POST", due)
            async with aclosing(gateway.answer(Call(f"{number:032x}", "chat", body), record)) as events:
                async for _ in events:
                    pass
            now = asyncio.get_running_loop().time()
            return due, record.first_token or now, now

        timings = await play(arrivals, ask)
        await engine.stop()
        return timings


class Real:
    """A running server; its strategy is exchanged over its admin socket."""

    def __init__(self, port: int, admin: str) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._admin = httpx.Client(transport=httpx.HTTPTransport(uds=admin), base_url="http://admin", timeout=60)

    def measure(self, overrides: list[str], arrivals: list[Arrival], seed: int) -> list[Timing]:
        """All of a trace with the strategy that `overrides` ask for."""
        section = get_config("+preset=cpu", *COMMON, *overrides).batch.model_dump(by_alias=True)
        self._admin.post("/swap", json={"batch": section}).raise_for_status()
        self._admin.post("/reset").raise_for_status()
        return asyncio.run(self._measure(arrivals, seed))

    async def _measure(self, arrivals: list[Arrival], seed: int) -> list[Timing]:
        self._idle = []
        timings = await play(arrivals, lambda number, arrival, due: self._ask(1_000_000 * seed + number, arrival, due))
        for _, writer in self._idle:
            writer.close()
        return timings

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The one used last; the server closes those that were not used for seconds."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)

    async def _ask(self, number: int, arrival: Arrival, due: float) -> Timing:
        reader, writer = connection = await self._connection()
        exchange = Exchange(writer.get_extra_info("socket"), due)
        writer.write(request_bytes(number, "tiny", arrival.tokens, stream=True))
        while not exchange.feed(data := await reader.read(65536), time.monotonic()):
            if not data:
                raise ConnectionError(f"closed early, after {bytes(exchange.body[-300:])!r}")
        if exchange.tokens() != arrival.tokens or exchange.first is None:
            raise ValueError(f"{exchange.tokens()} tokens, asked for {arrival.tokens}")
        self._idle.append(connection)
        return due, exchange.first, exchange.end


def measured(on: Virtual | Real, options: argparse.Namespace) -> list[Row]:
    """Every setting under every trace, round by round; within a round in an order of its own."""
    rows = []
    compared = settings(options.sizes, options.waits)
    for number in range(options.rounds):
        for name in options.traces:
            arrivals = trace(name, options.rate, options.seconds, number)
            order = random.Random(f"{name} {number}").sample(sorted(compared), len(compared))  # noqa: S311
            for position, setting in enumerate(order):
                timings = on.measure(compared[setting], arrivals, 1 + len(rows))
                rows.append(row_of(name, setting, number, timings))
                print_row(position, rows[-1])
    return rows


def print_row(position: int, row: Row) -> None:
    """One measurement on one line."""
    p50, most = median(row.ttft_ms), max(row.ttft_ms)
    print(
        f"round {row.round} {position:2} {row.trace:8} {row.setting:24} {row.requests_per_s:7.2f} req/s"
        f"  TTFT p50 {p50:7.1f} max {most:7.1f} ms",
        flush=True,
    )


def write(folder: Path, rows: list[Row], options: argparse.Namespace) -> dict[str, Any]:
    """Rows, regret and the circumstances."""
    folder.mkdir(parents=True, exist_ok=True)
    found = regrets(rows)
    for name, table in (("cells", table_of(rows)), ("regret", [asdict(one) for one in found])):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
    (folder / "regret.md").write_text(markdown(found), encoding="utf-8")
    manifest = circumstances(sys.argv[1:], [], sys.argv[0]) | {"options": vars(options)}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    print(markdown(found))
    return {"regret": [asdict(one) | {"within": one.within} for one in found], "folder": str(folder)}


def on_vllm(options: argparse.Namespace) -> list[Row]:
    """Start the server, warm it up, measure."""
    config = get_config("+preset=cpu", *COMMON)
    with tempfile.TemporaryDirectory() as folder:
        port, admin = free_port(), str(Path(folder, "admin"))
        command = [*vgate_command(port, [COMMON[-1]]), "--admin-socket", admin]
        with running("vgate", command, port, environment(config), "/ready"):
            real = Real(port, admin)
            real.measure(["batch=passthrough"], trace("poisson", options.rate, 3.0, -1), 0)
            return measured(real, options)


def check_enough(options: argparse.Namespace) -> None:
    """SystemExit, before anything is measured, if half of the rounds are too short for a p99."""
    for name in options.traces:
        counts = [len(trace(name, options.rate, options.seconds, number)) for number in range(options.rounds)]
        if min(sum(counts[::2]), sum(counts[1::2]) or counts[0]) < minimum_n(99):
            raise SystemExit(f"{name}: each half of the rounds must hold {minimum_n(99)} requests; more --seconds")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--virtual", action="store_true", help="dry-run engine, virtual time")
    parser.add_argument("--rounds", type=int, default=4, help="even: half of them choose the best, half compare")
    parser.add_argument("--seconds", type=float, default=7.0, help="of each trace")
    parser.add_argument("--rate", type=float, default=40.0, help="requests per second on average")
    parser.add_argument("--traces", nargs="+", choices=list(TRACES), default=list(TRACES))
    parser.add_argument("--sizes", nargs="+", type=int, default=[8, 16])
    parser.add_argument("--waits", nargs="+", type=float, default=[5.0, 20.0], help="milliseconds")
    parser.add_argument("--results", type=Path, default=Path("results/adaptive_regret"))
    return parser.parse_args()


def main() -> int:
    """Measure, print, write; 1 if adaptive misses a target under any trace."""
    options = arguments()
    check_enough(options)
    rows = measured(Virtual(), options) if options.virtual else on_vllm(options)
    options.results = str(folder := options.results / ("virtual" if options.virtual else "vllm"))
    document = write(folder, rows, options)
    print(json.dumps(document))
    return 0 if all(one["within"] for one in document["regret"] if one["setting"] == ADAPTIVE) else 1


if __name__ == "__main__":
    sys.exit(main())
