"""Every strategy under every cache under every dedup, over HTTP on one dry-run server."""

import asyncio
import itertools
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.components import options, section
from tests.servers import Server, running

CHAT = "/v1/chat/completions"
COMBINATIONS = list(itertools.product(options("batch"), options("cache"), options("dedup")))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("+preset=dry_run", "engine.decode_step_ms=2", "engine.decode_step_per_seq_ms=0") as server:
        yield server


def asked(server: Server, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """All at once."""

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.base_url, timeout=30) as client:
            return await asyncio.gather(*(client.post(CHAT, json=body) for body in bodies))

    return asyncio.run(ask())


def body(text: str, stream: bool) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": 6,
        "stream": stream,
    }


def said(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return str(answer.json()["choices"][0]["message"]["content"])
    *parts, end = [block.removeprefix("data: ") for block in answer.text.split("\n\n") if block]
    assert end == "[DONE]"
    return "".join(json.loads(part)["choices"][0]["delta"].get("content", "") for part in parts)


def identity(answer: httpx.Response) -> str:
    return answer.text.partition('"id":"')[2].partition('"')[0]


@pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
def test_every_combination_answers_all_alike(server: Server, redis_url: str, combination: tuple[str, str, str]) -> None:
    """Twelve at once, three times four alike, streamed and whole; then all again."""
    chosen = zip(("batch", "cache", "dedup"), combination, strict=True)
    sections = {group: section(group, option, url=redis_url, timeout_ms=1000) for group, option in chosen}
    server.swap(**sections)
    tag = uuid.uuid4().hex
    bodies = [body(f"{tag} {number % 3}", stream=number >= 6) for number in range(12)]
    first, again = asked(server, bodies), asked(server, bodies)
    texts = [said(answer) for answer in [*first, *again]]
    assert Counter(texts) == dict.fromkeys(texts[:3], 8)
    assert len(set(texts[:3])) == 3
    assert len({identity(answer) for answer in [*first, *again]}) == 24
    _check_verdicts(combination, [a.headers["x-vgate-cache"] for a in first], again)
    assert server.metric("vgate_queue_waiting") == server.metric("vgate_engine_running") == 0


def _check_verdicts(combination: tuple[str, str, str], first: list[str], again: list[httpx.Response]) -> None:
    _, cache, dedup = combination
    fresh = "bypass(disabled)" if cache == "none" else "miss"
    assert set(first) <= {fresh, "hit", "coalesced"}
    if dedup == "none":
        assert "coalesced" not in first
    if dedup == "single_flight":
        assert "coalesced" in first
    if cache != "none":
        assert {answer.headers["x-vgate-cache"] for answer in again} == {"hit"}
