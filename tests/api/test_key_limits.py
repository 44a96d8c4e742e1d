"""Keys and limits over HTTP: what is consumed, what is told, and what comes back, however a request ends."""

import asyncio
import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.api.keyed import (
    CHAT,
    EMBED,
    TEXT,
    bearer,
    body,
    keyed,
    left,
    post,
    spent,
    streamed_and_whole,
)
from tests.servers import Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with keyed() as server:
        yield server


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
