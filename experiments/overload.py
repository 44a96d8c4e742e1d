"""How soon a request is refused when the queue is full.

Starts V-Gate on the dry-run engine, fills the engine and the queue with answers that take minutes, then asks on.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from http.client import HTTPConnection

from http_load import request_bytes
from servers import Server, free_port, running, vgate_command

ENGINE = ("engine=dry_run", "engine.decode_step_ms=60000", "engine.max_num_seqs=4", "queue.max_waiting=4")
PRESENT = 8


def main() -> None:
    """Print the times to a 503 as one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000)
    args = parser.parse_args()
    port = free_port()
    command = vgate_command(port, list(ENGINE))
    with running("vgate", command, port, dict(os.environ), "/ready") as server:
        held = fill(server)
        times = sorted(refused(server) for _ in range(args.requests))
        for connection in held:
            connection.close()
    quantiles = statistics.quantiles(times, n=100)
    print(json.dumps({"refused": len(times), "p50_ms": quantiles[49], "p99_ms": quantiles[98], "max_ms": times[-1]}))


def fill(server: Server) -> list[HTTPConnection]:
    """As many requests as there is room for; their connections."""
    held = []
    for index in range(PRESENT):
        connection = HTTPConnection("127.0.0.1", server.port)
        connection.connect()
        connection.sock.sendall(request_bytes(index, "tiny", 100, stream=True))
        held.append(connection)
    time.sleep(1)
    return held


def refused(server: Server) -> float:
    """Milliseconds from connecting to the whole 503 with its Retry-After; anything else ends the program."""
    body = json.dumps({"messages": [{"role": "user", "content": "one more"}]})
    started = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    response.read()
    took = 1000 * (time.perf_counter() - started)
    connection.close()
    if response.status != 503 or int(response.headers["Retry-After"]) < 1:
        raise SystemExit(f"status {response.status}, headers {response.headers}")
    return took


if __name__ == "__main__":
    main()
