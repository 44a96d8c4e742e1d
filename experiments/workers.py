"""How throughput grows with workers, what the gateway adds, and how much it can pass through on one core.

- *Scaling*: 1, 2 and 4 dry-run workers that take 4 requests at once for 100 ms each, 32 clients, whole answers. Ideal
  is workers x 4 / 100 ms. Beside it the same clients spread over the same workers without a gateway.
- *Added*: an instant worker asked directly and through the gateway, in turn, by 1 and by 8 clients.
- *Ceiling*: the same worker, 32 clients; the gateway has a core to itself, worker and load the others. Also CPU time
  for a request, which other load on the machine changes little, and streams.

    python experiments/workers.py

Writes requests.csv, table.md, summary.json and manifest.json into ``results/workers/``. The last line of output is one
JSON document; the exit code is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from http_load import Exchange, drive, request_bytes
from instant_worker import running as instant
from mortal import gateway_command, starting
from servers import Server, free_port, running

from vgate.harness.circumstances import circumstances

Row = dict[str, Any]
STEP_S, SLOTS, CLIENTS = 0.1, 4, 32
CAPACITY = (f"engine.max_num_seqs={SLOTS}", "engine.prefill_tokens_per_s=1e9")
TARGETS = {"scaling": 0.97, "added_ms": 2.0, "ceiling_per_s": 2000.0}


def main() -> int:
    """Measure, print a table, write, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each part of the scaling")
    parser.add_argument("--requests", type=int, default=10000, help="of the ceiling")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--results", type=Path, default=Path("results/workers"))
    options = parser.parse_args()
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    rows = [row for count in options.workers for row in scaled(count, options.seconds)]
    rows += instantly(options.requests)
    summary = judged(rows)
    write(options.results, rows, summary, manifest)
    print(json.dumps(summary))
    return 0 if all(summary["targets"].values()) else 1


@contextlib.contextmanager
def gateway(urls: list[str], *settings: str) -> Iterator[Server]:
    """One in front of these workers."""
    port = free_port()
    quiet = ("logging.access_sample=0", "logging.level=WARNING")
    with running("gateway", gateway_command(port, urls, *quiet, *settings), port, dict(os.environ), "/ready") as server:
        yield server


def scaled(count: int, seconds: float) -> Iterator[Row]:
    """Through the gateway and without one."""
    ideal = count * SLOTS / STEP_S
    number = max(int(ideal * seconds), 2 * CLIENTS)
    requests = [request_bytes(index, "tiny", 1, stream=False) for index in range(number)]
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(starting(1000 * STEP_S, *CAPACITY)) for _ in range(count)]
        with gateway([worker.url for worker in workers]) as server:
            made = drive([server.port], requests, CLIENTS)
            yield {"part": "scaling", "workers": count, "by": "gateway", **told(made, ideal)}
        made = drive([worker.port for worker in workers], requests, CLIENTS)
        yield {"part": "scaling", "workers": count, "by": "direct", **told(made, ideal)}


def told(made: list[Exchange], ideal: float) -> Row:
    """Requests a second between the first and the last tenth, so that filling and draining do not count."""
    ends = sorted(exchange.end for exchange in made)
    first, last = len(ends) // 10, len(ends) - len(ends) // 10 - 1
    rate = (last - first) / (ends[last] - ends[first])
    p50 = statistics.median(exchange.end - exchange.sent for exchange in made)
    return {"requests": len(made), "per_s": rate, "ideal": ideal, "of_ideal": rate / ideal, "p50_ms": 1000 * p50}


def instantly(number: int) -> Iterator[Row]:
    """What the gateway adds and where it ends, in front of a worker that takes no time."""
    cores = sorted(psutil.Process().cpu_affinity() or [0])
    psutil.Process().cpu_affinity(cores[1:] or cores)
    with instant() as port, gateway([f"http://127.0.0.1:{port}"]) as server:
        server.process.cpu_affinity(cores[:1])
        drive([server.port], [request_bytes(index, "instant", 8, stream=False) for index in range(500)], CLIENTS)
        for clients in (1, 8):
            yield from added(port, server, clients)
        for stream in (False, True):
            yield from ceiling(server, number if not stream else number // 10, stream)
    psutil.Process().cpu_affinity(cores)


def added(port: int, server: Server, clients: int) -> Iterator[Row]:
    """Medians of rounds in turn."""
    requests = [request_bytes(index, "instant", 8, stream=False) for index in range(200)]
    took: dict[str, list[float]] = {"direct": [], "gateway": []}
    for _ in range(10):
        for name, where in (("direct", port), ("gateway", server.port)):
            took[name] += [1000 * (exchange.end - exchange.sent) for exchange in drive([where], requests, clients)]
    direct, through = (statistics.median(took[name]) for name in ("direct", "gateway"))
    yield {"part": "added", "clients": clients, "direct_ms": direct, "p50_ms": through, "added_ms": through - direct}


def ceiling(server: Server, number: int, stream: bool) -> Iterator[Row]:
    """Requests a second, and CPU time of the gateway for one."""
    requests = [request_bytes(index, "instant", 8, stream) for index in range(number)]
    before, _ = server.cpu_s()
    made = drive([server.port], requests, CLIENTS)
    spent, _ = server.cpu_s()
    row = told(made, float("nan"))
    kept = {name: row[name] for name in ("requests", "per_s", "p50_ms")}
    form = "streams of 35 events" if stream else "whole"
    yield {"part": "ceiling", "form": form, **kept, "cpu_ms": 1000 * (spent - before) / number}


def judged(rows: list[Row]) -> Row:
    """The table, and which targets were met."""
    for row in rows:
        print("  ".join(f"{name} {_shown(value)}" for name, value in row.items()))
    through = {row["workers"]: row["of_ideal"] for row in rows if row["part"] == "scaling" and row["by"] == "gateway"}
    most = through[max(through)]
    added_ms = max(row["added_ms"] for row in rows if row["part"] == "added" and row["clients"] == 1)
    ceil = next(row for row in rows if row["part"] == "ceiling" and row["form"] == "whole")
    return {
        "of_ideal": {str(workers): round(share, 4) for workers, share in through.items()},
        "added_ms": round(added_ms, 3),
        "ceiling_per_s": round(ceil["per_s"], 1),
        "ceiling_cpu_ms": round(ceil["cpu_ms"], 4),
        "targets": {
            "scaling": most >= TARGETS["scaling"],
            "added": added_ms <= TARGETS["added_ms"],
            "ceiling": ceil["per_s"] >= TARGETS["ceiling_per_s"],
        },
    }


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write(folder: Path, rows: list[Row], summary: Row, manifest: Row) -> None:
    """The four files."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / "requests.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    shown = [[row.get(name, "") for name in names] for row in rows]
    lines += [f"| {' | '.join(_shown(value) for value in row)} |" for row in shown]
    (folder / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, content in (("summary", summary), ("manifest", manifest)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
