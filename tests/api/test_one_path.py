"""Streams take the path of whole answers: cache, dedup, queue, limits; their bytes come as they are made."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.servers import Server, running

CHAT = "/v1/chat/completions"
KEY = {"authorization": "Bearer sk-a"}
LIMITED = ", ".join(f"{{key: sk-{form}, name: {form}, rate_limit: 9}}" for form in ("stream", "whole"))
KEYS = f"[{{key: sk-a, name: a}}, {LIMITED}]"
streamed_and_whole = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Slow enough for requests to meet: a token in 20 ms, one sequence at a time, room for two more."""
    settings = ["security=keys", f"security.api_keys={KEYS}", "dedup=batch"]
    settings += ["batch=time_window", "batch.max_batch_size=4", "batch.max_wait_time_ms=400"]
    settings += ["engine.decode_step_ms=20", "engine.max_num_seqs=1", "queue.max_waiting=2"]
    settings += ["security.rate_limiting.window_seconds=600", "security.rate_limiting.default_limit=1000"]
    with running("+preset=dry_run", *settings) as server:
        yield server


def body(text: str, stream: bool, tokens: int = 5) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": f"{text} {stream}"}],
        "temperature": 0,
        "max_tokens": tokens,
        "stream": stream,
    }


def together(server: Server, bodies: list[dict[str, Any]], key: str = "sk-a") -> list[httpx.Response]:
    """All at once."""
    headers = {"authorization": f"Bearer {key}"}

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.base_url, headers=headers, timeout=20) as client:
            return await asyncio.gather(*(client.post(CHAT, json=body) for body in bodies))

    return asyncio.run(ask())


@streamed_and_whole
def test_S12_cache(server: Server, stream: bool) -> None:
    found = [together(server, [body("cache", stream)])[0].headers["x-vgate-cache"] for _ in range(2)]
    assert found == ["miss", "hit"]


@streamed_and_whole
def test_S12_dedup(server: Server, stream: bool) -> None:
    answers = together(server, [body("dedup", stream)] * 3)
    assert sorted(answer.headers["x-vgate-cache"] for answer in answers) == ["coalesced", "coalesced", "miss"]


@streamed_and_whole
def test_S12_queue(server: Server, stream: bool) -> None:
    """One in the engine, two wait, two are refused."""
    answers = together(server, [body(f"queue {number}", stream, tokens=25) for number in range(5)])
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 503, 503]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert {answer.json()["error"]["code"] for answer in refused} == {"overloaded"}


@streamed_and_whole
def test_S12_limits(server: Server, stream: bool) -> None:
    asked, key = body("limits", stream, tokens=1), "sk-stream" if stream else "sk-whole"
    together(server, [asked], key)
    answers = together(server, [asked] * 12, key)
    assert sorted(answer.status_code for answer in answers) == [200] * 8 + [429] * 4


@streamed_and_whole
def test_S12_deadline(server: Server, stream: bool) -> None:
    late = body("deadline", stream)
    answer = httpx.post(server.base_url + CHAT, json=late, headers={**KEY, "X-VGate-Deadline-Ms": "50"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline_exceeded")


@pytest.mark.parametrize("given", ["soon", "-5", "0", "1e9", "", "nan"])
def test_a_deadline_that_is_none_is_told(server: Server, given: str) -> None:
    headers = {**KEY, "X-VGate-Deadline-Ms": given}
    answer = httpx.post(server.base_url + CHAT, json=body("x", stream=False), headers=headers)
    assert answer.status_code == 400
    assert "X-VGate-Deadline-Ms" in answer.json()["error"]["message"]


def test_S1_the_first_bytes_come_long_before_the_last(server: Server) -> None:
    asked = time.monotonic()
    request = body("early", stream=True, tokens=50)
    with httpx.stream("POST", server.base_url + CHAT, json=request, headers=KEY) as answer:
        times = [time.monotonic() - asked for _ in answer.iter_raw()]
    assert times[-1] >= 1.0
    assert times[0] < times[-1] / 2
