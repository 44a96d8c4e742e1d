"""Starts V-Gate and vLLM's own server with the same engine settings, and says what CPU they use."""

from __future__ import annotations

import os
import random
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
from pathlib import Path

import psutil

from vgate.config import Settings, get_config

VGATE = ("+preset=cpu", "batch=passthrough", "cache=none", "dedup=none")


@dataclass
class Server:
    """A running server: where it listens and what it has used."""

    name: str
    port: int
    process: psutil.Process

    def cpu_s(self) -> tuple[float, float]:
        """CPU seconds so far: of the HTTP process, and of its children (vLLM's engine core)."""
        front = self.process.cpu_times()
        engine = [child.cpu_times() for child in self.process.children(recursive=True)]
        return front.user + front.system, sum(times.user + times.system for times in engine)


def start_all(names: list[str], overrides: list[str], stack: ExitStack) -> list[Server]:
    """Start the servers called `names` (vgate, vllm); `overrides` are more settings for both."""
    settings = get_config(*VGATE, *overrides)
    servers = []
    for name in names:
        port = free_port()
        command = vgate_command(port, overrides) if name == "vgate" else vllm_command(port, settings)
        ready = "/ready" if name == "vgate" else "/health"
        servers.append(stack.enter_context(running(name, command, port, environment(settings), ready)))
    return servers


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
        process = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
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
    """A port that nobody listens on now.

    Below the kernel's range for outgoing connections, one of which might take it before the server does.
    """
    for port in random.sample(range(20000, 30000), 100):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise SystemExit("no free port among 100 tried between 20000 and 30000")
