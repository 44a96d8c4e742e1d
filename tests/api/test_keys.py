"""Keys and limits over HTTP."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.servers import Server, running

LIMIT = 10
KEYS = "[{key: sk-a, name: a, rate_limit: 10}, {key: sk-b, name: b}]"
CHAT = "/v1/chat/completions"
BODY = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 1}


@pytest.fixture(scope="module")
def keyed() -> Iterator[Server]:
    settings = ("security=keys", f"security.api_keys={KEYS}", "security.rate_limiting.window_seconds=3")
    with running("+preset=dry_run", *settings) as server:
        yield server


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer sk-c", "Basic sk-a", "sk-a", "Bearer sk-a x"])
def test_no_entry_without_a_key(keyed: Server, header: str | None) -> None:
    headers = {"authorization": header} if header else {}
    # The body is no JSON: the key is asked for before the body is looked at.
    response = httpx.post(keyed.base_url + CHAT, content=b"{", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "invalid_api_key"


def test_exempt_paths_need_no_key(keyed: Server) -> None:
    assert httpx.get(f"{keyed.base_url}/health").status_code == 200
    assert httpx.get(f"{keyed.base_url}/v1/models").status_code == 401


def test_R2_exactly_the_limit_passes_when_all_arrive_at_once(keyed: Server) -> None:
    async def flood() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(base_url=keyed.base_url, limits=limits, timeout=30) as client:
            tasks = [client.post(CHAT, json=BODY, headers={"authorization": "Bearer sk-a"}) for _ in range(100)]
            return await asyncio.gather(*tasks)

    time.sleep(3.1)  # the window of earlier tests
    answers = asyncio.run(flood())
    passed = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(passed) == LIMIT
    assert len(refused) == 90
    assert sorted(int(answer.headers["x-ratelimit-remaining"]) for answer in passed) == list(range(LIMIT))
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"10"}
    assert all(1 <= int(answer.headers["retry-after"]) <= 3 for answer in refused)
    time.sleep(int(refused[-1].headers["retry-after"]))
    assert httpx.post(keyed.base_url + CHAT, json=BODY, headers={"authorization": "Bearer sk-a"}).status_code == 200


def test_O6_keys_are_not_in_the_log(keyed: Server) -> None:
    httpx.post(keyed.base_url + CHAT, json=BODY, headers={"authorization": "Bearer sk-b"})
    keyed.wait_for("request done", key_name="b")
    assert "sk-" not in str(keyed.lines)
