"""CORS: nothing unless configured; then headers on every answer, live streams, and preflights without a key."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.servers import Server, running

CHAT = "/v1/chat/completions"
ORIGIN = "https://chat.example"
FROM = {"origin": ORIGIN}
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
KEYS = ("security=keys", "security.api_keys=[{key: sk-a, name: a}]")
SLOW = ("engine.decode_step_ms=30", "engine.decode_step_per_seq_ms=0")
KEY = {"authorization": "Bearer sk-a"}


def body(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "x"}], "max_tokens": 3, "seed": 1, **fields}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("+preset=dry_run", *KEYS, *SLOW, f"server.cors.allow_origins=[{ORIGIN}]") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, timeout=20) as client:
        yield client


def allowed(answer: httpx.Response) -> list[str]:
    """The headers by which a browser lets a page read an answer."""
    return sorted(name for name in answer.headers if name.startswith("access-control-"))


def test_off_there_is_nothing_of_it() -> None:
    with running("+preset=dry_run", *KEYS) as server, httpx.Client(base_url=server.base_url) as client:
        preflight = client.options(CHAT, headers={**FROM, **PREFLIGHT})
        assert preflight.status_code == 401  # as any other request without a key
        for answer in (preflight, client.get("/health", headers=FROM)):
            assert allowed(answer) == []
            assert "vary" not in answer.headers


def test_preflight_needs_no_key(client: httpx.Client) -> None:
    answer = client.options(CHAT, headers={**FROM, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type"
    assert answer.headers["access-control-max-age"] == "600"
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://evil.example"},
        {"origin": f"{ORIGIN}.evil.example"},
        {"access-control-request-method": "PUT"},
    ],
)
def test_preflight_for_anything_else_is_refused(client: httpx.Client, changes: dict[str, str]) -> None:
    answer = client.options(CHAT, headers={**FROM, **PREFLIGHT, **changes})
    assert answer.status_code == 400
    assert answer.headers.get("access-control-allow-origin") in (None, ORIGIN if "origin" not in changes else None)


def test_only_a_preflight_passes_without_a_key(client: httpx.Client) -> None:
    """OPTIONS alone is no way around security, nor is an origin."""
    assert client.options(CHAT).status_code == 401
    assert client.options(CHAT, headers=FROM).status_code == 401
    assert client.post(CHAT, json=body(), headers={**FROM, **PREFLIGHT}).status_code == 401


def test_pages_can_read_answers_and_errors(client: httpx.Client) -> None:
    whole = client.post(CHAT, json=body(), headers={**FROM, **KEY})
    wrong_field = client.post(CHAT, json=body(n="x"), headers={**FROM, **KEY})
    no_key = client.post(CHAT, json=body(), headers=FROM)
    missing = client.get("/nothing", headers={**FROM, **KEY})
    assert [answer.status_code for answer in (whole, wrong_field, no_key, missing)] == [200, 400, 401, 404]
    for answer in (whole, wrong_field, no_key, missing):
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
        assert answer.headers["x-request-id"]
        assert "access-control-allow-credentials" not in answer.headers


def test_pages_of_others_cannot(client: httpx.Client) -> None:
    answer = client.get("/health", headers={"origin": "https://evil.example"})
    assert answer.status_code == 200  # what a browser then keeps from the page
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


def test_S1_streams_come_as_they_are_made(client: httpx.Client) -> None:
    with client.stream("POST", CHAT, json=body(stream=True, max_tokens=20), headers={**FROM, **KEY}) as response:
        assert response.headers["access-control-allow-origin"] == ORIGIN
        stamps = [time.monotonic() for line in response.iter_lines() if line]
    assert stamps[-1] - stamps[0] > 15 * 0.03


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_S2_S3_a_client_that_leaves_is_seen(server: Server, stream: bool) -> None:
    before = len(server.find("request done", error="client left"))
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    text = b'{"messages": [{"role": "user", "content": "leaves"}], "max_tokens": 1000, "stream": %s}' % (
        b"true" if stream else b"false"
    )
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nAuthorization: Bearer sk-a\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode() + text)
        if stream:
            connection.recv(100)
        else:
            time.sleep(0.3)
    server.wait_for("request done", count=before + 1, limit_s=5, error="client left")  # not after 30 s
