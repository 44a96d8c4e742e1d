"""A dry-run server with keys, and how its tests ask it."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.servers import Server, running

CHAT, TEXT, EMBED = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
FAST = ("+preset=dry_run", "engine.decode_step_ms=5", "engine.decode_step_per_seq_ms=0", "dedup=single_flight")
BUDGET = 100_000
KEYS = [
    {"key": "sk-a", "name": "a", "rate_limit": 10_000, "token_limit": BUDGET},
    {"key": "sk-one", "name": "one", "rate_limit": 10_000, "token_limit": BUDGET, "concurrency": 1},
    {"key": "sk-two", "name": "two", "rate_limit": 10_000, "token_limit": BUDGET, "concurrency": 2},
    {"key": "sk-few", "name": "few", "rate_limit": 5},
    {"key": "sk-x", "name": "x", "cache_scope": "team", "rate_limit": 10_000},
    {"key": "sk-y", "name": "y", "cache_scope": "team", "rate_limit": 10_000},
    {"key": "sk-scoped", "name": "scoped", "models": ["tiny"], "priority": 2, "rate_limit": 10_000},
]
SETTINGS = ("security=keys", "queue=priority")
ENVIRON = {"VGATE_SECURITY__API_KEYS": json.dumps(KEYS)}
WINDOW = ("security.rate_limiting.window_seconds=600",)
streamed_and_whole = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


@contextlib.contextmanager
def keyed() -> Iterator[Server]:
    with running(*FAST, *SETTINGS, *WINDOW, "server.max_body_bytes=100000", env=ENVIRON) as server:
        yield server


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def body(text: str = "hello", **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 5, **fields}


def post(server: Server, asked: Any, key: str = "sk-a", path: str = CHAT, **headers: str) -> httpx.Response:
    return httpx.post(server.base_url + path, json=asked, headers={**bearer(key), **headers}, timeout=20)


def left(server: Server, key: str = "sk-a") -> tuple[int, int]:
    """Requests and tokens that remain, asked by a request that takes nothing."""
    headers = httpx.get(f"{server.base_url}/v1/models", headers=bearer(key)).headers
    return int(headers["x-ratelimit-remaining"]), int(headers.get("x-ratelimit-remaining-tokens", 0))


def spent(server: Server, before: tuple[int, int], key: str = "sk-a") -> tuple[int, int]:
    now = left(server, key)
    return before[0] - now[0], before[1] - now[1]


def open_request(server: Server, asked: dict[str, Any], key: str) -> socket.socket:
    data = json.dumps(asked).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(data)}\r\n\r\n"
    client = socket.create_connection(("127.0.0.1", int(server.base_url.rpartition(":")[2])), timeout=20)
    client.sendall(head.encode() + data)
    return client


def wait_for_slot(server: Server, key: str = "sk-one") -> float:
    """How long until the key's one slot is free; the request that finds out costs an answer from the cache."""
    began = time.monotonic()
    while (answer := post(server, body("kept"), key)).status_code == 429:
        assert answer.json()["error"]["code"] == "concurrency_limit_exceeded"
        assert time.monotonic() < began + 5
        time.sleep(0.02)
    return time.monotonic() - began
