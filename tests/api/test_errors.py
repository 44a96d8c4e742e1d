"""Bad input gets a 4xx in OpenAI's form at once, and the server goes on."""

import gzip
import time

import httpx
import pytest

from tests.servers import Server

CHAT = "/v1/chat/completions"
FORM = {"content-type": "application/x-www-form-urlencoded"}
HELLO = [{"role": "user", "content": "hello"}]

BAD_BODIES = {
    "malformed JSON": (b'{"messages": [', 400),
    "not an object": (b"[1, 2]", 400),
    "nothing": (b"", 400),
    "not UTF-8": (b'{"messages": "\xff\xfe"}', 400),
    "too deep": (b'{"messages": ' + b"[" * 2000 + b"]" * 2000 + b"}", 400),
    "messages missing": (b"{}", 400),
    "messages empty": (b'{"messages": []}', 400),
    "messages of another type": (b'{"messages": "hello"}', 400),
    "unknown role": (b'{"messages": [{"role": "king", "content": "x"}]}', 400),
    "n = 0": (b'{"messages": [{"role": "user", "content": "x"}], "n": 0}', 400),
    "negative max_tokens": (b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": -1}', 400),
    "number as text": (b'{"messages": [{"role": "user", "content": "x"}], "max_tokens": "3"}', 400),
    "stream as text": (b'{"messages": [{"role": "user", "content": "x"}], "stream": "yes"}', 400),
    "unknown field": (b'{"messages": [{"role": "user", "content": "x"}], "mx_tokens": 3}', 400),
    "unsupported field": (b'{"messages": [{"role": "user", "content": "x"}], "tools": []}', 400),
    "unknown model": (b'{"messages": [{"role": "user", "content": "x"}], "model": "gpt-9"}', 404),
    "prompt too long": (b'{"messages": [{"role": "user", "content": "' + b"x " * 3000 + b'"}]}', 400),
    "body too large": (b'{"messages": "' + b"x" * 5_000_000 + b'"}', 413),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_body(client: httpx.Client, name: str) -> None:
    body, status = BAD_BODIES[name]
    begin = time.perf_counter()
    response = client.post(CHAT, content=body, headers={"content-type": "application/json"})
    took = time.perf_counter() - begin
    assert response.status_code == status
    error = response.json()["error"]
    assert error["message"]
    assert error["type"] in ("invalid_request_error", "not_found_error")
    assert took < 0.5, "a bad request must not wait; the bound is ten times what is seen on a quiet machine"
    assert client.post(CHAT, json={"messages": HELLO, "max_tokens": 1}).status_code == 200


def test_error_names_the_nearest_field(client: httpx.Client) -> None:
    response = client.post(CHAT, json={"messages": HELLO, "max_tokns": 3})
    assert response.json()["error"]["param"] == "max_tokns"
    assert "did you mean max_tokens?" in response.json()["error"]["message"]


def test_other_content_types_are_refused(client: httpx.Client) -> None:
    response = client.post(CHAT, content=b"messages=hello", headers=FORM)
    assert response.status_code == 415
    assert "application/json" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("GET", CHAT, 405), ("DELETE", "/v1/models", 405)]
)
def test_wrong_route_has_openai_form(client: httpx.Client, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert f"{method} " in response.json()["error"]["message"]
    assert path in response.json()["error"]["message"]


def test_a_base_url_without_v1_is_told(client: httpx.Client) -> None:
    message = client.post(CHAT.removeprefix("/v1"), json={}).json()["error"]["message"]
    assert message == "Invalid URL (POST /chat/completions), did you mean /v1/chat/completions?"


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/v1/models", "/nothing", CHAT])
def test_head_is_get_without_a_body(client: httpx.Client, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("coding", ["gzip", "br", "x" * 500])
def test_a_body_that_is_packed_is_told_from_one_that_is_broken(client: httpx.Client, coding: str) -> None:
    packed = gzip.compress(b'{"messages": []}')
    headers = {"content-type": "application/json", "content-encoding": coding}
    response = client.post(CHAT, content=packed, headers=headers)
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "identity")
    assert response.json()["error"]["message"].startswith(f"Content-Encoding '{coding[:80]}' is not read here")
    response = client.post(CHAT, content='{"user": "é"}'.encode("latin-1"))
    assert response.json()["error"]["message"] == "The body is not UTF-8, from byte 10 on."


def test_long_names_are_not_said_back_whole(client: httpx.Client) -> None:
    for body in ({"messages": HELLO, "model": "x" * 9000}, {"messages": HELLO, "x" * 9000: 1}):
        assert len(client.post(CHAT, json=body).content) < 500


def test_bad_request_leaves_no_trace_in_the_gauges(client: httpx.Client, dry_server: Server) -> None:
    for body, _ in BAD_BODIES.values():
        client.post(CHAT, content=body)
    # The request that reads the metric is itself in flight.
    assert dry_server.metric("vgate_requests_in_flight") == 1
