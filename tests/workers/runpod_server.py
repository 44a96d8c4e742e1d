"""A stand-in for RunPod's API. Its pods have the fields and types of the example in RunPod's documentation.

Nothing was recorded from RunPod itself.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "rpa-stand-in"


def pod(pod_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": pod_id,
        "name": f"vgate-{pod_id}",
        "adjustedCostPerHr": 0.69,
        "costPerHr": "0.74",
        "containerDiskInGb": 50,
        "desiredStatus": "RUNNING",
        "env": {"ENV_VAR": "value"},
        "gpu": {"id": "NVIDIA GeForce RTX 4090", "count": 1, "displayName": "RTX 4090"},
        "image": "vllm/vllm-openai:latest",
        "interruptible": False,
        "lastStartedAt": "2024-07-12T19:14:40.144Z",
        "machineId": "s194cr8pls2z",
        "memoryInGb": 62,
        "networkVolume": None,
        "portMappings": {"22": 10341},
        "ports": ["8000/http", "22/tcp"],
        "publicIp": "100.65.0.119",
        "vcpuCount": 24,
        "volumeInGb": 20,
        "volumeMountPath": "/workspace",
    } | changes


class RunpodServer:
    """Pods by id, the requests that came, and at will another answer to all of them."""

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.instead: tuple[int, bytes] | None = None
        self.api = ""

    def answer(self, method: str, path: str, key: str | None) -> tuple[int, bytes]:
        self.asked.append(f"{method} {path}")
        if key != f"Bearer {KEY}":
            return 401, b'{"error":"unauthorized"}'
        if self.instead is not None:
            return self.instead
        if (method, path) == ("GET", "/v1/pods"):
            return 200, json.dumps(list(self.pods.values())).encode()
        _, _, kind, pod_id, action = path.split("/")
        if (method, kind) != ("POST", "pods") or pod_id not in self.pods:
            return 404, b'{"error":"pod not found"}'
        self.pods[pod_id]["desiredStatus"] = {"start": "RUNNING", "stop": "EXITED"}[action]
        return 200, json.dumps(self.pods[pod_id]).encode()


@contextlib.contextmanager
def running() -> Iterator[RunpodServer]:
    """One on a free port."""
    state = RunpodServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = state.answer(self.command, self.path, self.headers["authorization"])
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  the base class has it so

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.api = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
