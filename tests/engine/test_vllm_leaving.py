"""Clients of real vLLM that leave before their first token: its own counts say that their work has ended."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.quickest import quickest
from tests.servers import Server

pytestmark = pytest.mark.vllm

CHAT = "/v1/chat/completions"
ALONE = {
    "cache": {"_target_": "vgate.cache.none.NoCache"},
    "dedup": {"_target_": "vgate.dedup.none.NoDedup"},
}
streamed_and_whole = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


def strategy(name: str, size: int, wait_ms: float) -> dict[str, Any]:
    return {"_target_": f"vgate.batch.{name}", "max_batch_size": size, "max_wait_time_ms": wait_ms}


def body(text: str, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "tiny", "messages": messages, "temperature": 0, "max_tokens": 100, "ignore_eos": True, **fields}


async def in_vllm(client: httpx.AsyncClient) -> float:
    """Requests that run or wait in vLLM."""
    rows = (await client.get("/metrics")).text.splitlines()
    names = ("vllm:num_requests_running{", "vllm:num_requests_waiting{")
    return sum(float(row.rpartition(" ")[2]) for row in rows if row.startswith(names))


@streamed_and_whole
def test_S2_B6_who_leaves_the_gateways_queue_never_enters_vllm(vllm_server: Server, stream: bool) -> None:
    vllm_server.swap(batch=strategy("time_window.TimeWindow", 8, 1000), **ALONE)

    async def leave() -> float:
        async with httpx.AsyncClient(base_url=vllm_server.base_url, timeout=60) as client:
            asking = asyncio.create_task(client.post(CHAT, json=body("queued", stream=stream)))
            await asyncio.sleep(0.4)
            asking.cancel()
            left = time.monotonic()
            most = 0.0
            while time.monotonic() - left < 1.2:
                most = max(most, await in_vllm(client))
            return most

    assert asyncio.run(leave()) == 0
    line = vllm_server.wait_for("request done")[0]
    assert line["status"] == 499
    assert line["duration_s"] < 0.9, "not when its window closed"
    assert "batch_id" not in line


@streamed_and_whole
def test_S2_prefill_ends_within_two_steps_and_200_ms_after_the_clients_left(vllm_server: Server, stream: bool) -> None:
    """A dozen prompts of 1,800 tokens, of which vLLM takes 2,048 a step.

    It hears of aborts between two steps and counts after a step, so on a CPU long steps take their share.
    """
    vllm_server.swap(batch=strategy("passthrough.Passthrough", 8, 50), **ALONE)
    begin = time.monotonic()
    httpx.post(vllm_server.base_url + CHAT, json=body("alone " + "long " * 1800, max_tokens=1), timeout=60)
    step_s = time.monotonic() - begin
    vllm_server.forget()
    limit_s = 0.2 + 2 * step_s
    assert quickest(limit_s, lambda: asyncio.run(_leave_in_prefill(vllm_server, stream))) < limit_s
    lines = vllm_server.wait_for("request done", 12)
    assert {line["status"] for line in lines} == {499}
    assert sum("ttft_s" in line for line in lines) < len(lines) / 2


async def _leave_in_prefill(server: Server, stream: bool) -> float:
    """How long vLLM had something to do after all had left."""
    async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as client:
        bodies = [body(f"{number} " + "long " * 1800, stream=stream) for number in range(12)]
        asking = [asyncio.create_task(client.post(CHAT, json=one)) for one in bodies]
        while await in_vllm(client) == 0:
            assert not any(task.done() for task in asking)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        left = time.monotonic()
        while await in_vllm(client) > 0:
            assert time.monotonic() - left < 5
        return time.monotonic() - left


def test_the_prefix_cache_is_not_emptied_while_a_request_runs(vllm_server: Server) -> None:
    """VLLM cannot take blocks that are in use; the route that the bench empties it with must not say that it did."""
    vllm_server.swap(batch=strategy("passthrough.Passthrough", 8, 50), **ALONE)
    asked = body("Go on", max_tokens=1900, stream=True)
    with httpx.stream("POST", f"{vllm_server.base_url}{CHAT}", json=asked, timeout=60) as answer:
        lines = answer.iter_lines()  # kept: an iterator that is thrown away closes the connection
        next(lines)
        refused = vllm_server.admin("/reset")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
    deadline = time.monotonic() + 5
    while vllm_server.admin("/reset").status_code != 200:
        assert time.monotonic() < deadline
