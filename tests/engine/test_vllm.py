"""The gateway on real vLLM: what the strategies, the cache and dedup do there, and the client that leaves."""

import asyncio
import itertools
import os
import signal
import statistics
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.quickest import quickest
from tests.servers import Server

pytestmark = pytest.mark.vllm

CHAT = "/v1/chat/completions"
NO_CACHE = {"_target_": "vgate.cache.none.NoCache"}
LRU = {
    "_target_": "vgate.cache.lru.LruCache",
    "maxsize": 1000,
    "max_bytes": 2**28,
    "scope": "key",
    "sampled": False,
}
NO_DEDUP = {"_target_": "vgate.dedup.none.NoDedup"}
DEDUP = {"_target_": "vgate.dedup.batch.BatchDedup", "scope": "key", "sampled": False, "max_buffer_bytes": 2**21}


def strategy(name: str, size: int, wait_ms: float) -> dict[str, Any]:
    return {"_target_": f"vgate.batch.{name}", "max_batch_size": size, "max_wait_time_ms": wait_ms}


def body(text: str, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "tiny", "messages": messages, "temperature": 0, "max_tokens": 16, "ignore_eos": True, **fields}


def ask_all(server: Server, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """All at the same time."""

    async def gather() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=len(bodies))
        async with httpx.AsyncClient(base_url=server.base_url, limits=limits, timeout=120) as client:
            return await asyncio.gather(*(client.post(CHAT, json=body) for body in bodies))

    answers = asyncio.run(gather())
    assert {answer.status_code for answer in answers} == {200}
    return answers


def generated(server: Server) -> float:
    """Requests that vLLM itself has finished."""
    return server.metric("vllm:request_success_total")


def test_ten_chats_enter_as_a_batch_of_eight_and_one_of_two(vllm_server: Server) -> None:
    window = strategy("time_window.TimeWindow", 8, 500)
    vllm_server.swap(batch=window, cache=NO_CACHE, dedup=NO_DEDUP)
    ask_all(vllm_server, [body(f"Tell me about number {number}") for number in range(10)])
    batches = vllm_server.wait_for("batch done", count=2)
    assert sorted(batch["prompts"] for batch in batches) == [2, 8]
    assert sum(batch["tokens"] for batch in batches) == 160


def test_lockstep_never_has_two_batches_in_the_engine(vllm_server: Server) -> None:
    """200 at once: each batch is dispatched after the one before was done, by the server's own stamps."""
    vllm_server.swap(batch=strategy("lockstep.Lockstep", 8, 50), cache=NO_CACHE, dedup=NO_DEDUP)
    ask_all(vllm_server, [body(f"Number {number}", max_tokens=4) for number in range(200)])
    batches = vllm_server.wait_for("batch done", count=25)
    assert sum(batch["prompts"] for batch in batches) == 200
    assert max(batch["prompts"] for batch in batches) == 8
    spans = sorted((batch["dispatched_at"], batch["dispatched_at"] + batch["duration_s"]) for batch in batches)
    for (_, end), (begin, _) in itertools.pairwise(spans):
        # Both stamps are rounded to a microsecond.
        assert begin >= end - 2e-6


def test_hit_is_a_thousand_times_faster_than_the_miss(vllm_server: Server) -> None:
    vllm_server.swap(batch=strategy("passthrough.Passthrough", 8, 50), cache=LRU, dedup=NO_DEDUP)
    with httpx.Client(base_url=vllm_server.base_url, timeout=60) as client:
        answers = [client.post(CHAT, json=body("A long story", max_tokens=256)) for _ in range(12)]
    assert [answer.headers["x-vgate-cache"] for answer in answers] == ["miss"] + ["hit"] * 11
    assert len({answer.json()["choices"][0]["message"]["content"] for answer in answers}) == 1
    assert answers[0].json()["usage"]["completion_tokens"] == 256
    lines = vllm_server.wait_for("request done", count=12)
    miss, *hits = [line["duration_s"] for line in lines]
    assert statistics.median(hits) < 0.001
    assert miss / statistics.median(hits) >= 1000


def test_D1_five_identical_requests_are_generated_once(vllm_server: Server) -> None:
    window = strategy("time_window.TimeWindow", 8, 500)
    vllm_server.swap(batch=window, cache=NO_CACHE, dedup=DEDUP)
    before = generated(vllm_server)
    answers = ask_all(vllm_server, [body("The same for all")] * 5)
    assert generated(vllm_server) - before == 1
    assert len({answer.json()["choices"][0]["message"]["content"] for answer in answers}) == 1
    assert len({answer.json()["id"] for answer in answers}) == 5
    assert [batch["prompts"] for batch in vllm_server.wait_for("batch done")] == [1]


@pytest.mark.parametrize("stream", [True, False])
def test_S2_engine_stops_within_200_ms_after_the_client_left(vllm_server: Server, stream: bool) -> None:
    """Seen in vLLM's own count of running requests. The first poll of /metrics alone may take tens of ms."""
    vllm_server.swap(batch=strategy("passthrough.Passthrough", 8, 50), cache=NO_CACHE, dedup=NO_DEDUP)

    async def leave() -> float:
        async with httpx.AsyncClient(base_url=vllm_server.base_url, timeout=60) as client:
            asking = asyncio.create_task(client.post(CHAT, json=body("Go on", max_tokens=1900, stream=stream)))
            while await running(client) == 0:
                assert not asking.done()
            asking.cancel()
            left = time.monotonic()
            while await running(client) > 0:
                assert time.monotonic() - left < 5
            return time.monotonic() - left

    async def running(client: httpx.AsyncClient) -> float:
        rows = (await client.get("/metrics")).text.splitlines()
        return sum(float(row.rpartition(" ")[2]) for row in rows if row.startswith("vllm:num_requests_running{"))

    assert quickest(0.2, lambda: asyncio.run(leave())) < 0.2
    assert vllm_server.wait_for("request done")[0]["status"] == 499


def test_B4_one_bad_prompt_fails_alone_and_at_once(vllm_server: Server) -> None:
    """Under lockstep, with an engine that is busy: a bad request does not wait for its turn."""
    vllm_server.swap(batch=strategy("lockstep.Lockstep", 2, 50), cache=NO_CACHE, dedup=NO_DEDUP)

    async def mixed() -> tuple[httpx.Response, float, list[httpx.Response]]:
        async with httpx.AsyncClient(base_url=vllm_server.base_url, timeout=60) as client:
            good = [asyncio.create_task(client.post(CHAT, json=body(f"n{i}", max_tokens=400))) for i in range(4)]
            await asyncio.sleep(0.3)
            begin = time.monotonic()
            bad = await client.post(CHAT, json=body("too long " * 3000))
            return bad, time.monotonic() - begin, await asyncio.gather(*good)

    bad, took, good = asyncio.run(mixed())
    assert bad.status_code == 400
    assert "maximum context length" in bad.json()["error"]["message"]
    assert took < 0.3
    assert {answer.status_code for answer in good} == {200}
    assert {answer.json()["usage"]["completion_tokens"] for answer in good} == {400}


def test_B12_a_search_for_garbage_leaves_out_what_vllm_has_loaded(vllm_server: Server, garbage_log: Path) -> None:
    """All of torch is a million objects: each search would stop the event loop for half a second."""
    ask_all(vllm_server, [body(f"Something to throw away, {number}") for number in range(8)])
    os.kill(vllm_server.process.pid, signal.SIGUSR1)
    deadline = time.monotonic() + 10
    while not (garbage_log.exists() and garbage_log.read_text(encoding="utf-8").endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    left_out, took_ms = map(float, garbage_log.read_text(encoding="utf-8").split())
    assert left_out > 100_000
    assert took_ms < 250, "75 ms are seen on a quiet machine, and 400 to 800 without"
