"""What a request costs in the server's Python: the whole ASGI app in this process, without sockets.

The engine is `dry_run` and takes next to no time: this is the gateway (security, cache, batch, records, metrics, log)
and what answering costs such an engine. To compare two versions run each in turns, on PYTHONPATH, and take the least:
noise only adds. `--profile` prints where the time goes. Prints a table and, as its last line, JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import json
import pstats
import time
from pathlib import Path
from typing import Any

from vgate.api.app import build_app
from vgate.build import build_service
from vgate.clock import precise_loop
from vgate.config import compose
from vgate.observe.logs import configure

FAST = (
    "engine=dry_run",
    "engine.prefill_tokens_per_s=1e9",
    "engine.decode_step_ms=0.001",
    "engine.decode_step_per_seq_ms=0",
    "engine.max_num_seqs=64",
    "batch=passthrough",
    "cache=none",
    "dedup=none",
)
PATH = "/v1/chat/completions"
# Name: log level, whether streamed, tokens.
KINDS = {
    "whole, log of warnings": ("WARNING", False, 4),
    "whole, default log": ("INFO", False, 4),
    "32 tokens streamed, log of warnings": ("WARNING", True, 32),
    "32 tokens streamed, default log": ("INFO", True, 32),
}


def main() -> int:
    """Measure, print."""
    args = _arguments()
    found = {}
    with Path("/dev/null").open("w") as nowhere:
        for name, (level, stream, tokens) in KINDS.items():
            close = configure(level, True, nowhere)
            with asyncio.Runner(loop_factory=precise_loop) as runner:
                rounds = runner.run(_rounds(args, level, {"stream": stream, "max_tokens": tokens}))
            close()
            found[name] = {"least_us": min(rounds), "rounds_us": rounds}
            print(f"{name:38} {min(rounds):6.0f} us a request", flush=True)
    print(json.dumps(found))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=1500, help="in each round")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--profile", action="store_true", help="one round of each kind under cProfile, printed")
    return parser.parse_args()


async def _rounds(args: argparse.Namespace, level: str, fields: dict[str, Any]) -> list[float]:
    """Microseconds of CPU per request, round by round; the log's writing is part of it."""
    service = build_service(compose("serve", [*FAST, f"logging.level={level}"]).settings)
    app = build_app(service)
    await service.engine.start()
    await service.embedding.start()
    gc.collect()
    gc.freeze()
    ask = {"model": service.engine.models()[0]["id"], **fields}
    await _many(app, ask, args.clients, 500)  # not counted: a first turn is slower
    if args.profile:
        with cProfile.Profile() as profile:
            await _many(app, ask, args.clients, args.requests)
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
    rounds = []
    for _ in range(args.rounds):
        before = time.process_time()
        await _many(app, ask, args.clients, args.requests)
        rounds.append((time.process_time() - before) / args.requests * 1e6)
    await service.engine.stop()
    return rounds


async def _many(app: Any, ask: dict[str, Any], clients: int, count: int) -> None:
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            await _one(app, {**ask, "messages": [{"role": "user", "content": f"river {number} stone"}]})

    await asyncio.gather(*(client() for _ in range(clients)))


async def _one(app: Any, ask: dict[str, Any]) -> None:
    """One request and its answer, which must be a 200."""
    body = json.dumps(ask).encode()
    over = asyncio.Event()
    asked = [{"type": "http.request", "body": body, "more_body": False}]
    statuses = []

    async def receive() -> dict[str, Any]:
        if asked:
            return asked.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        elif not message.get("more_body"):
            over.set()

    headers = [(b"host", b"x"), (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    about = {"method": "POST", "path": PATH, "raw_path": PATH.encode(), "query_string": b"", "root_path": ""}
    await app({"type": "http", "http_version": "1.1", "scheme": "http", "headers": headers, **about}, receive, send)
    if statuses != [200]:
        raise SystemExit(f"answered with {statuses}")


if __name__ == "__main__":
    raise SystemExit(main())
