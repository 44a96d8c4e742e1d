"""Keys and limits over HTTP: what is consumed, what is told, and what comes back, however a request ends."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import redis_server
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


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
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


MALFORMED = {
    400: {"content": b"{", "headers": {"content-type": "application/json"}},
    413: {"content": b'{"a": "' + b"x" * 200_000 + b'"}'},
    415: {"content": b"{}", "headers": {"content-type": "text/plain"}},
}


@pytest.mark.parametrize("status", MALFORMED)
def test_what_is_malformed_consumes_nothing_and_tells_the_limits(server: Server, status: int) -> None:
    before = left(server)
    asked = MALFORMED[status]
    headers = {**bearer("sk-a"), **asked.get("headers", {})}
    answer = httpx.post(server.base_url + CHAT, content=asked["content"], headers=headers)
    assert (answer.status_code, int(answer.headers["x-ratelimit-remaining"])) == (status, before[0])
    assert spent(server, before) == (0, 0)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models", 200),
        ("GET", "/stats", 200),
        ("GET", CHAT, 405),
        ("POST", "/nope", 404),
        ("PUT", CHAT, 405),
    ],
)
def test_R8_every_answer_to_a_known_key_tells_its_limits(server: Server, method: str, path: str, status: int) -> None:
    before = left(server)
    answer = httpx.request(method, server.base_url + path, headers=bearer("sk-a"))
    assert answer.status_code == status
    for name in ("limit", "remaining", "reset", "limit-tokens", "remaining-tokens", "reset-tokens"):
        assert answer.headers.get_list(f"x-ratelimit-{name}", split_commas=True)[1:] == []
    assert spent(server, before) == (0, 0)
    assert int(answer.headers["x-ratelimit-reset"]) >= time.time() - 1


def test_R8_exempt_paths_and_strangers_are_told_nothing(server: Server) -> None:
    for path, key in (("/health", "sk-a"), ("/v1/models", "sk-nobody")):
        answer = httpx.get(server.base_url + path, headers=bearer(key))
        assert not [name for name in answer.headers if "ratelimit" in name]


def test_R8_exactly_as_many_as_remain_pass_in_every_form(server: Server) -> None:
    remaining = []
    for number in range(7):
        answer = post(server, body(f"few {number}", stream=number % 2 == 0), "sk-few")
        remaining.append((answer.status_code, answer.headers["x-ratelimit-remaining"]))
    assert remaining == [(200, f"{number}") for number in (4, 3, 2, 1, 0)] + [(429, "0")] * 2
    refused = post(server, body(), "sk-few")
    assert 500 < int(refused.headers["retry-after"]) <= 600
    assert refused.headers.get_list("x-ratelimit-limit", split_commas=True) == ["5"]
    assert left(server, "sk-few")[0] == 0


@streamed_and_whole
def test_R6_tokens_are_charged_as_used(server: Server, stream: bool) -> None:
    before = left(server)
    counted = {"stream_options": {"include_usage": True}} if stream else {}
    answer = post(server, body(f"used {stream}", stream=stream, max_tokens=40, **counted))
    usage = json.loads(answer.text.split("data: ")[-2])["usage"] if stream else answer.json()["usage"]
    at_entry = before[1] - int(answer.headers["x-ratelimit-remaining-tokens"])
    assert spent(server, before) == (1, usage["total_tokens"])
    assert at_entry >= usage["total_tokens"]


def test_R6_of_several_choices_and_prompts_all_are(server: Server) -> None:
    for path, asked in ((CHAT, body("several", n=3, seed=1)), (TEXT, {"prompt": "a b c", "n": 2, "max_tokens": 4})):
        before = left(server)
        usage = post(server, asked, path=path).json()["usage"]
        assert spent(server, before) == (1, usage["total_tokens"])


@streamed_and_whole
def test_R11_a_hit_costs_a_request_and_no_tokens(server: Server, stream: bool) -> None:
    asked = body(f"hit {stream}", stream=stream)
    post(server, asked)
    before = left(server)
    assert post(server, asked).headers["x-vgate-cache"] == "hit"
    assert spent(server, before) == (1, 0)


@streamed_and_whole
def test_D6_R11_who_joins_pays_a_request_and_who_began_the_tokens(server: Server, stream: bool) -> None:
    before = left(server)
    asked = body(f"joined {stream}", stream=stream, max_tokens=50)

    async def all_of_them() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.base_url, headers=bearer("sk-a"), timeout=20) as client:
            return await asyncio.gather(*(client.post(CHAT, json=asked) for _ in range(5)))

    answers = asyncio.run(all_of_them())
    assert sorted(answer.headers["x-vgate-cache"] for answer in answers) == [*["coalesced"] * 4, "miss"]
    requests, tokens = spent(server, before)
    assert requests == 5
    assert 50 < tokens < 100


def test_R11_of_embeddings_only_what_was_run(server: Server) -> None:
    items = [f"item number {number}" for number in range(4)]
    model = {"model": httpx.get(f"{server.base_url}/v1/models", headers=bearer("sk-a")).json()["data"][1]["id"]}
    before = left(server)
    usage = post(server, {**model, "input": items[:2]}, path=EMBED).json()["usage"]
    assert spent(server, before) == (1, usage["total_tokens"])
    before = left(server)
    answer = post(server, {**model, "input": items}, path=EMBED)
    assert answer.headers["x-vgate-cache"] == "partial(2/4)"
    assert spent(server, before) == (1, answer.json()["usage"]["total_tokens"] - usage["total_tokens"])


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


@streamed_and_whole
def test_R6_an_aborted_answer_is_charged_for_what_was_made(server: Server, stream: bool) -> None:
    before = left(server, "sk-one")
    with open_request(server, body(f"abort {stream}", stream=stream, max_tokens=400, seed=1), "sk-one") as client:
        if stream:
            assert client.recv(1000)
        time.sleep(0.5)
    wait_for_slot(server)
    requests, tokens = spent(server, before, "sk-one")
    assert requests <= 3
    assert 50 < tokens < 250


def test_R6_who_began_it_pays_for_all_that_others_stay_for(server: Server) -> None:
    """Its slot it has back as soon as it has left."""
    wait_for_slot(server, "sk-two")
    before = left(server, "sk-two")
    asked = body("followed", stream=True, max_tokens=150, stream_options={"include_usage": True})
    with contextlib.ExitStack() as stack:
        leader = stack.enter_context(open_request(server, asked, "sk-two"))
        assert leader.recv(1000)
        request = {"json": asked, "headers": bearer("sk-two"), "timeout": 20}
        follower = stack.enter_context(httpx.stream("POST", server.base_url + CHAT, **request))
        assert follower.headers["x-vgate-cache"] == "coalesced"
        leader.close()
        wait_for_slot(server, "sk-two")
        assert left(server, "sk-two")[1] < before[1] - 150, "what was reserved stands"
        usage = json.loads(follower.read().decode().split("data: ")[-2])["usage"]
    deadline = time.monotonic() + 5
    while (tokens := spent(server, before, "sk-two")[1]) != usage["total_tokens"]:
        assert time.monotonic() < deadline, tokens
        time.sleep(0.02)


@streamed_and_whole
@pytest.mark.parametrize("leaves", ["at once", "later"])
def test_R5_a_slot_comes_back_when_the_client_leaves(server: Server, stream: bool, leaves: str) -> None:
    """Before the first byte and after it."""
    wait_for_slot(server)
    asked = body(f"leave {stream} {leaves}", stream=stream, max_tokens=400, seed=2)
    with open_request(server, asked, "sk-one") as client:
        if leaves == "later":
            client.recv(1000) if stream else time.sleep(0.3)
            assert post(server, body("kept"), "sk-one").status_code == 429
    assert wait_for_slot(server) < 1.0


@streamed_and_whole
@pytest.mark.parametrize("ends", ["well", "bad request", "too late", "hit"])
def test_R5_a_slot_comes_back_as_soon_as_the_answer_is_there(server: Server, stream: bool, ends: str) -> None:
    """One client that asks again as soon as it has its answer is never refused."""
    wait_for_slot(server)
    with httpx.Client(base_url=server.base_url, headers=bearer("sk-one"), timeout=20) as client:
        for number in range(20):
            asked = body("kept" if ends == "hit" else f"{ends} {stream} {number}", stream=stream)
            asked |= {"messages": "nonsense"} if ends == "bad request" else {}
            headers = {"X-VGate-Deadline-Ms": "0.001"} if ends == "too late" else {}
            answer = client.post(CHAT, json=asked, headers=headers)
            assert answer.status_code == {"bad request": 400, "too late": 504}.get(ends, 200), answer.text
            assert "x-ratelimit-remaining" in answer.headers


@pytest.mark.parametrize("fault", ["error_before", "error_after", "drop", "crash"])
def test_R5_a_slot_comes_back_when_the_engine_fails(fault: str) -> None:
    settings = [f"engine.faults.{fault}=1", "engine.restart.backoff_s=0.05", "engine.restart.max_attempts=1000"]
    with running(*FAST, *SETTINGS, *WINDOW, *settings, "engine.faults.after_tokens=2", env=ENVIRON) as server:
        for number in range(10):
            answer = post(server, body(f"{number}", stream=number % 2 == 0), "sk-one")
            assert answer.status_code in (200, 500, 502, 503), answer.text
            assert "[DONE]" not in answer.text
            assert answer.headers["x-ratelimit-limit"] == "10000"
            time.sleep(0.05)
        assert left(server, "sk-one")[1] > BUDGET - 500


def test_a_key_uses_the_models_that_are_for_it(server: Server) -> None:
    models = {
        key: [model["id"] for model in httpx.get(f"{server.base_url}/v1/models", headers=bearer(key)).json()["data"]]
        for key in ("sk-a", "sk-scoped")
    }
    assert models["sk-scoped"] == ["tiny"]
    assert len(models["sk-a"]) == 2
    before = left(server, "sk-scoped")
    others = [post(server, {"model": name, "input": "x"}, "sk-scoped", EMBED) for name in (models["sk-a"][1], "nope")]
    others.append(post(server, {"input": "x"}, "sk-scoped", EMBED))
    assert [answer.status_code for answer in others] == [404] * 3
    assert others[0].json()["error"]["code"] == "model_not_found"
    assert "do not have access" in others[0].json()["error"]["message"]
    assert spent(server, before, "sk-scoped") == (0, 0)
    assert post(server, body("mine", model="tiny"), "sk-scoped").status_code == 200
    assert post(server, body("mine too"), "sk-scoped").status_code == 200


def test_keys_with_one_cache_scope_share_and_no_others(server: Server) -> None:
    verdicts = [post(server, body("ours"), key).headers["x-vgate-cache"] for key in ("sk-x", "sk-y", "sk-a", "sk-x")]
    assert verdicts == ["miss", "hit", "miss", "hit"]


def test_a_key_names_no_more_urgent_priority_than_its_own(server: Server) -> None:
    answers = [post(server, body("urgent", priority=priority), "sk-scoped") for priority in (1, -10, 2, 10)]
    assert [answer.status_code for answer in answers] == [400, 400, 200, 200]
    assert "priority must be a whole number from 2 to 10, got 1" in answers[0].json()["error"]["message"]


def test_a_swap_counts_anew_and_requests_under_way_end_well(server: Server) -> None:
    with open_request(server, body("under way", stream=True, max_tokens=100, seed=3), "sk-one") as client:
        assert client.recv(1000)
        keys = [{**key, "rate_limit": 20_000} for key in KEYS]
        current = httpx.get(f"{server.base_url}/v1/models", headers=bearer("sk-a")).headers["x-ratelimit-limit"]
        assert current == "10000"
        section = {
            "_target_": "vgate.security.keys.Keys",
            "api_keys": keys,
            "exempt_paths": ["/health", "/ready", "/metrics"],
            "rate_limiting": {"enabled": True, "default_limit": 60, "window_seconds": 600.0},
        }
        assert server.admin("/swap", {"security": section}).status_code == 200
        assert left(server) == (20_000, 100_000)
        assert post(server, body("anew"), "sk-one").status_code == 200
    assert wait_for_slot(server) < 1.0
    section["api_keys"] = KEYS
    assert server.admin("/swap", {"security": section}).status_code == 200
    assert left(server)[0] == 10_000


def test_R10_a_flood_of_wrong_keys_is_turned_away_and_the_right_ones_are_not(server: Server) -> None:
    async def flood() -> tuple[list[int], list[int]]:
        async with httpx.AsyncClient(base_url=server.base_url, timeout=20) as client:
            wrong = [client.get("/v1/models", headers=bearer(f"sk-wrong-{number}")) for number in range(300)]
            right = [client.get("/v1/models", headers=bearer("sk-a")) for _ in range(50)]
            done = await asyncio.gather(*wrong, *right)
            return [answer.status_code for answer in done[:300]], [answer.status_code for answer in done[300:]]

    wrong, right = asyncio.run(flood())
    assert set(wrong) == {401, 429}
    assert wrong.count(401) <= 60
    assert set(right) == {200}


def test_R3_two_gateways_with_one_redis_let_in_as_one_would_and_R12_without_it_each_as_configured() -> None:
    key = {"key": "sk-a", "name": "a", "rate_limit": 10, "token_limit": 100_000, "concurrency": 100}
    env = {"VGATE_SECURITY__API_KEYS": json.dumps([key])}
    shared = ["security=keys", *WINDOW, "limits=redis", "limits.timeout_ms=2000"]
    with redis_server.running() as store, contextlib.ExitStack() as stack:
        settings = [*FAST, *shared, f"limits.url={store.url}"]
        closed = stack.enter_context(running(*settings, "limits.on_failure=closed", env=env))
        local = stack.enter_context(running(*settings, "limits.on_failure=local", env=env))

        async def flood() -> list[int]:
            async with httpx.AsyncClient(timeout=30, headers=bearer("sk-a")) as client:
                urls = [server.base_url + CHAT for server in (closed, local)] * 50
                done = await asyncio.gather(*(client.post(url, json=body()) for url in urls))
                return [answer.status_code for answer in done]

        statuses = asyncio.run(flood())
        assert (statuses.count(200), statuses.count(429)) == (10, 90)
        store.kill()
        refused = post(closed, body())
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "limits_unavailable")
        assert httpx.get(f"{closed.base_url}/v1/models", headers=bearer("sk-a")).status_code == 200
        assert [post(local, body()).status_code for _ in range(11)] == [200] * 10 + [429]
