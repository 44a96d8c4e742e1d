"""Whether a server under mixed load, disconnects and bad input stays as it is.

Ten minutes at 200 requests a second against V-Gate on the dry-run engine: streams and whole answers, hits, requests
that join others, embeddings, clients that leave, and what is no valid request. Each second the server's memory, open
files, gauges and number of time series are noted. Targets:

- memory does not rise after the first minute: its slope is not distinguishable from 0, by a t-test at 1 % of its
  changes from second to second, whose autocorrelation is taken into account (`vgate.harness.stats.drift`, which says
  why not of a line; what a line would say is written beside it). What a process has needed once it keeps, so in that
  first minute there are half as many requests again. A leak of 16 bytes a request, the smallest object that there is,
  would be a rise of 1.6 MiB, and is found;
- afterwards every gauge of work under way is 0 and no more files are open than before;
- the number of time series is the same from the first minute on;
- no request gets a status that it must not get, and none is left without an end.

    python experiments/soak.py

Writes samples.csv, summary.json and manifest.json into ``results/soak/``. The last line of output is one JSON document;
the exit code is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from servers import Server, free_port, running
from soak_clients import KEY, Crowd
from written import write

from vgate.harness.circumstances import circumstances
from vgate.harness.prometheus_text import total
from vgate.harness.stats.drift import drift
from vgate.harness.stats.trend import trend

CHANCE = 0.01
EAGER = 1.5  # so many times the rate while nothing is judged
WORK = ("vgate_requests_in_flight", "vgate_queue_waiting", "vgate_engine_running", "vgate_embedding_items_waiting")
SETTINGS = (
    "+preset=dry_run",
    "batch=passthrough",
    "queue=fair",
    "cache=lru",
    "cache.maxsize=500",
    "dedup=single_flight",
    "security=keys",
    f"security.api_keys=[{{key: {KEY}, name: soak}}]",
    "security.rate_limiting.default_limit=100000",
    "security.rate_limiting.window_seconds=5",
    "engine.decode_step_ms=2",
    "engine.decode_step_per_seq_ms=0",
    "engine.max_num_seqs=256",
    "server.max_body_bytes=65536",
)
Row = dict[str, float]


def main() -> int:
    """Soak, write, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long")
    parser.add_argument("--rate", type=float, default=200.0, help="requests per second")
    parser.add_argument("--settle", type=float, default=60.0, help="so many of the first seconds are not judged")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("results/soak"))
    options = parser.parse_args()
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    port = free_port()
    command = [sys.executable, "-m", "vgate.serve", *SETTINGS, f"server.port={port}"]
    with running("vgate", command, port, dict(os.environ), "/ready") as server:
        rows, crowd = asyncio.run(soak(server, options))
    summary = judged(rows, crowd, options)
    write(options.results, "samples", rows, summary, manifest)
    print(json.dumps(summary))
    return 0 if all(summary["targets"].values()) else 1


async def soak(server: Server, options: argparse.Namespace) -> tuple[list[Row], Crowd]:
    """A row before, one each second, and one when all is over."""
    crowd = Crowd(server.port, options.seed)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=30) as client:
        begun = time.monotonic()
        rows = [await sampled(server, client, 0.0)]
        load = asyncio.create_task(loaded(crowd, options))
        while not load.done():
            await asyncio.wait([load], timeout=1.0 - (time.monotonic() - begun) % 1.0)
            rows.append(await sampled(server, client, time.monotonic() - begun))
        await load
        await asyncio.sleep(2.0)
        rows.append(await sampled(server, client, time.monotonic() - begun))
    return rows, crowd


async def loaded(crowd: Crowd, options: argparse.Namespace) -> None:
    """The first seconds, which are not judged, and the others."""
    await crowd.run(EAGER * options.rate, options.settle)
    await crowd.run(options.rate, options.seconds - options.settle)


async def sampled(server: Server, client: httpx.AsyncClient, at: float) -> Row:
    """What the server is like now. The request that asks is in flight itself, and has its connection."""
    text = (await client.get("/metrics")).text
    series = sum(bool(line) and not line.startswith("#") for line in text.splitlines())
    gauges = {name: total(text, name) for name in WORK}
    gauges["vgate_requests_in_flight"] -= 1
    memory, files = server.process.memory_info().rss / 2**20, server.process.num_fds()
    return {"second": round(at, 2), "rss_mib": round(memory, 3), "files": files, "series": series, **gauges}


def judged(rows: list[Row], crowd: Crowd, options: argparse.Namespace) -> dict[str, Any]:
    """What was seen, and which targets were met."""
    during = [row for row in rows[1:-1] if options.settle <= row["second"] <= options.seconds]
    memory = np.array([row["rss_mib"] for row in during])
    found = drift(memory)
    series = [row["series"] for row in [*during, rows[-1]]]
    left = {name: rows[-1][name] for name in WORK if rows[-1][name]}
    return {
        "requests": crowd.sent,
        "seconds": options.seconds,
        "rss_mib": {"first": memory[0], "last": memory[-1], "lowest": memory.min(), "highest": memory.max()},
        "rss_rise_mib": round(found.rise, 3),
        "rss_chance_of_such_a_rise": round(found.chance, 4),
        "rss_chance_by_a_line": round(trend(memory).chance, 4),
        "series": [min(series), max(series)],
        "files": [rows[0]["files"], max(row["files"] for row in rows), rows[-1]["files"]],
        "gauges_left": left,
        "seen": dict(sorted(crowd.seen.items())),
        "wrong": dict(crowd.wrong),
        "targets": {
            "rate": crowd.sent >= 0.98 * options.rate * (options.seconds + (EAGER - 1) * options.settle),
            "memory": found.chance >= CHANCE,
            "gauges": not left,
            "series": min(series) == max(series),
            "files": rows[-1]["files"] <= rows[0]["files"],
            "statuses": not crowd.wrong,
        },
    }


if __name__ == "__main__":
    sys.exit(main())
