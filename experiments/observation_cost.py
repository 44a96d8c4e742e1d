"""What looking costs: records and gauges on the server's side, against the same load without them.

One dry-run server whose engine takes next to no time, so that the gateway is all there is to slow down. Rounds come in
pairs, with and without, in turns of who goes first. Prints a table and, as its last line, JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from http_load import drive, request_bytes

from vgate.config import compose
from vgate.harness.circumstances import circumstances
from vgate.harness.files import write_json
from vgate.harness.gauges import Sampler
from vgate.harness.interval import t_interval
from vgate.harness.server import Server
from vgate.observe.recorder import Recorder
from vgate.record import Record
from vgate.types import EngineSpan

FAST = (
    "engine=dry_run",
    "engine.prefill_tokens_per_s=1e9",
    "engine.decode_step_ms=0.001",
    "engine.decode_step_per_seq_ms=0",
    "engine.max_num_seqs=64",
    "batch=passthrough",
    "cache=none",
    "dedup=none",
    "logging.level=WARNING",
)


def main() -> int:
    """Measure, print, write."""
    args = _arguments()
    container = compose("serve", list(FAST)).container
    with tempfile.TemporaryDirectory() as folder:
        server = Server(container, Path(folder, "server.log"))
        try:
            server.start()
            _round(server, args, 0, observed=True)  # not counted: the first seconds of a process are slower
            pairs = [_pair(server, args, number) for number in range(1, args.rounds + 1)]
            asking = _cost_of_asking(server)
        finally:
            server.stop()
    result = {"gauges_ms": asking, "record_us": _cost_of_a_record(), **_compared(pairs)}
    if args.results:
        args.results.mkdir(parents=True, exist_ok=True)
        about = circumstances(sys.argv[1:], [], sys.argv[0])
        write_json(args.results / "manifest.json", about)
        write_json(args.results / "rounds.json", {"pairs": pairs, "result": result})
    print(json.dumps(result))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="pairs of rounds; at least 3")
    parser.add_argument("--requests", type=int, default=1000, help="in each round")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--results", type=Path, help="write manifest.json and rounds.json into this folder")
    return parser.parse_args()


def _pair(server: Server, args: argparse.Namespace, number: int) -> dict[str, Any]:
    """Server CPU per request in ms, plain and observed."""
    order = [False, True]
    random.Random(number).shuffle(order)  # noqa: S311 - seeded on purpose
    found = {observed: _round(server, args, number, observed=observed) for observed in order}
    pair = {"plain": found[False], "observed": found[True]}
    print(number, pair, flush=True)
    return pair


def _round(server: Server, args: argparse.Namespace, number: int, *, observed: bool) -> dict[str, float]:
    port = int(server.base_url.rpartition(":")[2])
    first = number * args.requests
    requests = [request_bytes(first + n, server.model(), args.tokens, stream=True) for n in range(args.requests)]
    if not observed:
        return _driven(server, port, requests, args.clients)
    server.keep_records(len(requests))
    with Sampler(server.gauges):
        found = _driven(server, port, requests, args.clients)
    lines, dropped = server.take_records()
    assert (len(lines.splitlines()), dropped) == (len(requests), 0)
    return found


def _driven(server: Server, port: int, requests: list[bytes], clients: int) -> dict[str, float]:
    assert server._process is not None  # noqa: SLF001 - it has been started
    cpu, wall = psutil.Process(server._process.pid).cpu_times, time.monotonic()  # noqa: SLF001
    before = cpu()
    drive(port, requests, clients)
    after, wall = cpu(), time.monotonic() - wall
    used = after.user + after.system - before.user - before.system
    return {"cpu_ms": round(1000 * used / len(requests), 4), "requests_per_s": round(len(requests) / wall, 1)}


def _cost_of_asking(server: Server, times: int = 500) -> float:
    """Server CPU for one look at the gauges, ms."""
    assert server._process is not None  # noqa: SLF001 - it has been started
    cpu = psutil.Process(server._process.pid).cpu_times  # noqa: SLF001
    before = cpu()
    for _ in range(times):
        server.gauges()
    after = cpu()
    return round(1000 * (after.user + after.system - before.user - before.system) / times, 3)


def _cost_of_a_record(times: int = 2000) -> float:
    """Keeping one record, microseconds: the shortest of many, for the machine may be busy."""
    span = EngineSpan(1.0, 1.1, 1.2, 1.3, 24, 16, 0)
    record = Record("r" * 20, "/v1/chat/completions", "POST", 1.0, call_id="c" * 32, source="c" * 32, span=span)
    record.queued = record.admitted = record.first_token = record.answered = record.finished = 1.5
    recorder, found = Recorder(), []
    recorder.start(times)
    for _ in range(times):
        begin = time.perf_counter_ns()
        recorder.finished(record)
        found.append(time.perf_counter_ns() - begin)
    return min(found) / 1000


def _compared(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """Observed over plain, of the server's CPU per request: mean of the pairs' ratios and its 95 % interval."""
    ratios = [pair["observed"]["cpu_ms"] / pair["plain"]["cpu_ms"] for pair in pairs]
    rates = [pair["observed"]["requests_per_s"] / pair["plain"]["requests_per_s"] for pair in pairs]
    return {
        "cpu_ratio": round(statistics.fmean(ratios), 4),
        "cpu_ratio_95": t_interval(ratios),
        "rate_ratio": round(statistics.fmean(rates), 4),
        "rate_ratio_95": t_interval(rates),
    }


if __name__ == "__main__":
    raise SystemExit(main())
