"""`/stats` as JSON."""

import asyncio
from typing import Any

import orjson

import vgate
from tests.api.serving import serving
from tests.asgi import ask, chat

KEYS = ("security=keys", "security.api_keys=[{key: sk-ann, name: ann}, {key: sk-bob, name: bob}]")


async def stats(app: Any, **headers: str) -> Any:
    reply = await ask(app, path="/stats", headers=headers)
    assert reply.status == 200
    return orjson.loads(reply.body)


async def test_it_says_what_the_server_is_and_did_in_the_last_minute() -> None:
    async with serving("embedding=dry_run") as (service, app):
        service.recent.begin(asyncio.get_running_loop().time())
        await asyncio.sleep(10)
        for number in range(44):
            await ask(app, chat(f"{number % 22}", stream=True))
        await ask(app, {"messages": "nonsense"}, headers={"X-Request-Id": "bad-one"})
        told = await stats(app)
    assert (told["version"], told["ready"], told["stopping"]) == (vgate.__version__, True, False)
    assert told["uptime_s"] == asyncio.get_running_loop().time()
    assert told["engine"]["name"] == told["embedding"]["name"] == "dry_run"
    assert told["engine"]["models"] == ["tiny"]
    assert (told["engine"]["deaths"], told["engine"]["running"], told["engine"]["back_in_s"]) == (0, 0, None)
    recent = told["recent"]
    assert recent["requests"]["by_status"] == {"200": 44, "400": 1}
    assert recent["cache"]["hit_rate"] == 0.5
    assert (recent["ttft_s"]["n"], recent["ttft_s"]["p90"]) == (22, None)
    assert recent["ttft_s"]["p50"] > 0
    assert recent["e2e_s"]["p90"] > 0
    assert recent["keys"][0]["name"] == "anonymous"
    assert [error["request_id"] for error in recent["last_errors"]] == ["bad-one"]
    assert "nonsense" not in str(recent["last_errors"])
    assert told["metrics"]["vgate_cache_hits_total"] == 22
    assert told["cache_entries"] == 22


async def test_with_keys_it_says_nothing_of_what_single_callers_do() -> None:
    async with serving(*KEYS) as (_, app):
        await ask(app, chat(), headers={"Authorization": "Bearer sk-ann"})
        await ask(app, {"messages": 1}, headers={"Authorization": "Bearer sk-ann", "X-Request-Id": "of-ann"})
        told = await stats(app, authorization="Bearer sk-bob")
        assert (await ask(app, path="/stats")).status == 401
    assert told["recent"]["requests"]["n"] == 2
    assert not {"keys", "last_errors"} & told["recent"].keys()
    assert "ann" not in str(told)
