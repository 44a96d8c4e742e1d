"""What clients see of workers that are killed: nothing.

A gateway with `engine=upstream` in front of dry-run workers; clients stream chat and completion requests, greedy, one
after the other. Again and again a worker is killed with `kill -9` in the midst of its streams, and started anew at the
same address. What every stream must have said is known beforehand, for the dry-run engine's words follow from the
request. Targets:

- no client sees an error: every answer has status 200 and ends with `[DONE]`;
- no gap and no repeat in any text, one role, one finish reason, one id, and usage to the token;
- afterwards every gauge of work under way is 0.

    python experiments/kills.py

Writes answers.csv, summary.json and manifest.json into ``results/kills/``. The last line of output is one JSON
document; the exit code is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from mortal import Worker, gateway_command, starting
from servers import free_port, running
from streams import Seen, expected, judge
from written import write

from vgate.harness.circumstances import circumstances
from vgate.harness.prometheus_text import total

WORK = ("vgate_queue_waiting", "vgate_engine_running", "vgate_worker_in_flight")
Row = dict[str, Any]


def main() -> int:
    """Kill, write, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=100, help="of each answer")
    parser.add_argument("--step-ms", type=float, default=8.0, help="of the workers' engines, for a token")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("results/kills"))
    options = parser.parse_args()
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    rows, kills, goes_on, left = run(options)
    summary = summed(rows, kills, goes_on, left)
    write(options.results, "answers", rows, summary, manifest)
    print(json.dumps(summary))
    return 0 if all(summary["targets"].values()) else 1


def run(options: argparse.Namespace) -> tuple[list[Row], int, int, Row]:
    """All answers, the number of kills, and of streams that went on elsewhere; gauges that are not 0 afterwards."""
    port = free_port()
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(starting(options.step_ms)) for _ in range(options.workers)]
        log = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "gateway.log"
        command = gateway_command(port, [worker.url for worker in workers])
        logged = ["sh", "-c", f'exec "$@" > {log}', "sh", *command]
        stack.enter_context(running("gateway", logged, port, dict(os.environ), "/ready"))
        rows, kills = asyncio.run(stormed(port, workers, options))
        goes_on = log.read_text(encoding="utf-8").count("a stream goes on at another worker")
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        left = {name: total(text, name) for name in WORK if total(text, name)}
    return rows, kills, goes_on, left


async def stormed(port: int, workers: list[Worker], options: argparse.Namespace) -> tuple[list[Row], int]:
    """Clients ask until the last kill is over."""
    rows: list[Row] = []
    over = asyncio.Event()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits) as client:
        clients = [one_client(client, number, over, options, rows) for number in range(options.clients)]
        crowd = [asyncio.create_task(one) for one in clients]
        dice, kills = random.Random(options.seed), 0  # noqa: S311  repeatable
        await asyncio.sleep(1.0)
        for _ in range(options.kills):
            victim = dice.choice(workers)
            await asyncio.sleep(dice.uniform(0.0, 0.5))
            await asyncio.to_thread(victim.kill)
            kills += 1
            await asyncio.to_thread(victim.start)
            await asyncio.sleep(1.0)  # the gateway sees that it is there again
        over.set()
        await asyncio.gather(*crowd)
    return rows, kills


async def one_client(
    client: httpx.AsyncClient, number: int, over: asyncio.Event, options: argparse.Namespace, rows: list[Row]
) -> None:
    """One request after the other; every second one a completion."""
    for count in range(10**6):
        if over.is_set():
            return
        endpoint = "completions" if (number + count) % 4 == 0 else "chat"
        prompt = f"{options.seed} {number} {count} tell me"
        path, body, want = expected(endpoint, prompt, options.tokens, usage=count % 2 == 0)
        seen = await streamed(client, path, body)
        rows.append({"client": number, "number": count, "endpoint": endpoint, **judge(seen, want)})


async def streamed(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Seen:
    """An answer as it came."""
    seen, last = Seen(), time.monotonic()
    try:
        async with client.stream("POST", path, json=body) as answer:
            seen.status = answer.status_code
            async for line in answer.aiter_lines():
                now = time.monotonic()
                if line.startswith("data: "):
                    seen.data.append(line[6:])
                    seen.longest_gap_s, last = max(seen.longest_gap_s, now - last), now
                elif line and not line.startswith(":"):
                    seen.data.append(line)
    except httpx.HTTPError as error:
        seen.error = f"{type(error).__name__}: {error}"
    return seen


def summed(rows: list[Row], kills: int, goes_on: int, left: Row) -> Row:
    """What was seen, and which targets were met."""
    wrong = Counter(row["wrong"] for row in rows if row["wrong"])
    gaps = [row["longest_gap_s"] for row in rows]
    summary = {
        "kills": kills,
        "answers": len(rows),
        "continued": goes_on,
        "wrong": dict(wrong),
        "longest_gap_s": {"median": round(statistics.median(gaps), 3), "most": round(max(gaps), 3)},
        "gauges_left": left,
        "targets": {"answered_right": not wrong, "some_continued": goes_on > 0, "gauges": not left},
    }
    print(f"{kills} kills, {len(rows)} answers, {goes_on} continued elsewhere, {sum(wrong.values())} wrong")
    return summary


if __name__ == "__main__":
    sys.exit(main())
