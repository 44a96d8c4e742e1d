"""What keys may use, share and exchange over HTTP; floods of wrong ones; several gateways."""

import asyncio
import contextlib
import json
from collections.abc import Iterator

import httpx
import pytest

from tests import redis_server
from tests.api.keyed import (
    CHAT,
    EMBED,
    FAST,
    KEYS,
    WINDOW,
    bearer,
    body,
    keyed,
    left,
    open_request,
    post,
    spent,
    wait_for_slot,
)
from tests.servers import Server, running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with keyed() as server:
        yield server


def test_a_key_uses_the_models_that_are_for_it(server: Server) -> None:
    models = {
        key: [model["id"] for model in httpx.get(f"{server.base_url}/v1/models", headers=bearer(key)).json()["data"]]
        for key in ("sk-a", "sk-scoped")
    }
    assert models["sk-scoped"] == ["tiny"]
    assert len(models["sk-a"]) == 2
    alone = {
        (key, name): httpx.get(f"{server.base_url}/v1/models/{name}", headers=bearer(key)).status_code
        for key in ("sk-a", "sk-scoped")
        for name in (*models["sk-a"], "no/such")
    }
    assert [alone["sk-a", name] for name in (*models["sk-a"], "no/such")] == [200, 200, 404]
    assert [alone["sk-scoped", name] for name in (*models["sk-a"], "no/such")] == [200, 404, 404]
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
