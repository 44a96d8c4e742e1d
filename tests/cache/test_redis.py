"""Answers in a real Redis: shared, and no danger to a request when it fails (C19)."""

import asyncio
import contextlib
import itertools
import logging
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis.asyncio

from tests import redis_server
from tests.cache.kept import ANSWER, answer
from tests.calls import ask, ask_all, chat
from tests.components import build, options
from tests.gateways import Heard
from tests.redis_server import RedisServer
from tests.scripted import Script, Scripted
from tests.scripted import answer as scripted
from tests.workers.rigs import until
from vgate.cache.base import Cache, CacheRefusal
from vgate.cache.guarded import Guarded
from vgate.gateway import Gateway
from vgate.types import Answer, Call

pytestmark = pytest.mark.real_time
KEY = bytes(range(32))


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of the test's own, to do with as it likes."""
    with redis_server.running() as server:
        yield server


@contextlib.asynccontextmanager
async def caches(url: str, count: int = 1, **changes: Any) -> AsyncIterator[list[Cache]]:
    """Caches of one prefix; patient, unless the test says otherwise."""
    changes = {"prefix": f"{uuid.uuid4()}:", "timeout_ms": 5000, **changes}
    made = [build("cache", "redis", url=url, **changes) for _ in range(count)]
    try:
        yield made
    finally:
        for cache in made:
            await cache.close()


@contextlib.asynccontextmanager
async def raw(url: str) -> AsyncIterator[Any]:
    async with redis.asyncio.Redis.from_url(url) as client:
        yield client


async def test_replicas_share_answers(redis_url: str) -> None:
    async with caches(redis_url, 2) as (one, other):
        await one.put(KEY, answer("1", b"a", b"b"))
        assert await other.get(KEY) == answer("1", b"a", b"b")
        assert await one.delete(KEY)
        assert await other.get(KEY) is None


async def test_C16_nobody_keeps_an_answer_for_longer_than_the_policy(redis_url: str) -> None:
    async with caches(redis_url, ttl_s=60, prefix="ttl:") as [cache], raw(redis_url) as client:
        await cache.put(KEY, ANSWER, ttl_s=3600)
        assert 59_000 < await client.pttl("ttl:" + KEY.hex()) <= 60_000


async def test_only_what_is_under_the_prefix_is_listed_and_dropped(redis_url: str) -> None:
    """Also where one prefix begins like another, or has characters that mean something in a pattern."""
    async with (
        caches(redis_url, prefix="a:") as [one],
        caches(redis_url, prefix="a:b[*]?\\:") as [other],
        raw(redis_url) as client,
    ):
        for name in ("a", "a:mine", "a:b[x]y:" + KEY.hex()):
            await client.set(name, "mine")
        await one.put(KEY, ANSWER)
        await other.put(KEY, ANSWER)
        assert [len(await cache.entries()) for cache in (one, other)] == [1, 1]
        await other.clear()
        assert [len(await cache.entries()) for cache in (one, other)] == [1, 0]
        await one.clear()
        assert await one.entries() == []
        left = [key for key in await client.keys("a*") if key == b"a" or key.startswith(b"a:")]
        assert sorted(left) == [b"a", b"a:b[x]y:" + KEY.hex().encode(), b"a:mine"]


async def test_thousands_of_entries_are_listed_and_cleared(redis_url: str) -> None:
    async with caches(redis_url) as [cache]:
        await asyncio.gather(*(cache.put(b"%d" % number, ANSWER) for number in range(2500)))
        assert len({entry.key for entry in await cache.entries()}) == 2500
        assert len(await cache.entries(limit=10)) == 10
        await cache.clear()
        assert await cache.entries() == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: b"",
        lambda value: b"something else altogether",
        lambda value: b"VGA2" + value[4:],
        lambda value: value[:-1],
        lambda value: value + b"x",
        lambda value: value[:40] + b"X" + value[41:],
        lambda value: value[:-3] + b"XYZ",
    ],
    ids=["empty", "foreign", "version", "cut", "longer", "head", "text"],
)
async def test_C19_a_damaged_entry_is_refused(redis_url: str, damage: Any) -> None:
    async with caches(redis_url, prefix="damage:") as [cache], raw(redis_url) as client:
        await cache.put(KEY, answer("1", b"hello"))
        name = "damage:" + KEY.hex()
        await client.set(name, damage(await client.get(name)), keepttl=True)
        with pytest.raises(CacheRefusal):
            await cache.get(KEY)
        await cache.put(KEY, answer("1", b"hello"))
        assert await cache.get(KEY) == answer("1", b"hello")


async def test_C8_C19_another_ones_answer_under_a_key_is_refused(redis_url: str) -> None:
    async with caches(redis_url, prefix="swap:") as [cache], raw(redis_url) as client:
        await cache.put(b"mine", ANSWER)
        await cache.put(b"theirs", ANSWER)
        await client.copy("swap:" + b"theirs".hex(), "swap:" + b"mine".hex(), replace=True)
        with pytest.raises(CacheRefusal):
            await cache.get(b"mine")


async def test_C19_what_is_no_string_is_refused_and_stops_nobody_else(redis_url: str) -> None:
    async with caches(redis_url, prefix="list:") as [cache], raw(redis_url) as client:
        guarded = Guarded(cache, heard := Heard())
        await cache.put(b"good", ANSWER)
        await client.lpush("list:" + KEY.hex(), "a")
        assert (await guarded.get(KEY), await guarded.get(b"good")) == (None, ANSWER)
        assert heard.cache_failures == ["get"]
        assert [entry.key for entry in await guarded.entries()] == [b"good"]


async def test_C19_a_redis_without_room_keeps_answering(server: RedisServer) -> None:
    async with caches(server.url) as [cache], raw(server.url) as client:
        guarded = Guarded(cache, heard := Heard())
        await guarded.put(b"good", ANSWER)
        await guarded.entries()
        await client.config_set("maxmemory", "1")
        await guarded.put(KEY, ANSWER)
        await guarded.entries()
        assert (await guarded.get(KEY), await guarded.get(b"good")) == (None, ANSWER)
        assert heard.cache_failures == ["put"]


@pytest.mark.parametrize("how", ["killed", "hung", "wrong password"])
async def test_C19_without_redis_a_request_is_a_miss_within_the_budget(server: RedisServer, how: str) -> None:
    password = ["--requirepass", "secret"]
    with redis_server.running(*password) if how == "wrong password" else contextlib.nullcontext(server) as used:
        async with caches(used.url, timeout_ms=100) as [cache]:
            heard = Heard()
            gateway = gateway_of(cache, observer=heard)
            if how != "wrong password":
                await ask(gateway, chat("before"))
            {"killed": used.kill, "hung": used.hang}.get(how, lambda: None)()
            heard.cache_failures.clear()
            began = time.monotonic()
            done = await ask_all(gateway, [chat(f"{number}") for number in range(50)])
            assert {one.record.cache for one in done} == {"miss"}
            assert time.monotonic() - began < 0.1 + 1.0  # the budget once, for all at once; the rest is the machine's
            assert "get" in heard.cache_failures
            await gateway.close()


async def test_C19_it_is_used_again_when_it_is_back(server: RedisServer) -> None:
    async with caches(server.url, timeout_ms=200) as [cache]:
        gateway = gateway_of(cache)
        server.kill()
        await ask(gateway, chat("same"))
        server.start()
        deadline = time.monotonic() + 15
        while (await ask(gateway, chat("same"))).record.cache != "hit":
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        await gateway.close()


async def test_C8_answers_that_come_late_are_never_given_to_others(server: RedisServer) -> None:
    """A request that gave up leaves its answer on the wire; whoever uses that connection next must not read it."""
    async with caches(server.url, timeout_ms=50) as [cache]:
        guarded = Guarded(cache, Heard())
        keys = [b"%d" % number for number in range(40)]
        for key in keys:
            await cache.put(key, answer(key.decode(), key))
        for _ in range(5):
            server.hang()
            waiting = [asyncio.create_task(guarded.get(key)) for key in keys]
            await asyncio.sleep(0.02)
            for task in waiting[::2]:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            server.go_on()
            for key in keys:
                with contextlib.suppress(redis.exceptions.RedisError, TimeoutError):
                    found = await cache.get(key)
                    assert found is None or found == answer(key.decode(), key)


async def test_a_slow_redis_does_not_hold_back_the_answer(server: RedisServer) -> None:
    async with caches(server.url, timeout_ms=5000) as [cache]:
        gateway = gateway_of(cache)
        task = asyncio.create_task(ask(gateway, chat("same", stream=True)))
        await until(lambda: gateway.engine.running > 0)
        server.hang()
        began = time.monotonic()
        assert (await task).text == "same 1 2"
        assert time.monotonic() - began < 2
        server.go_on()
        await gateway.close()


async def test_no_connection_is_left_when_it_is_closed(server: RedisServer) -> None:
    async with raw(server.url) as client:
        async with caches(server.url) as [cache]:
            await asyncio.gather(*(cache.get(b"%d" % number) for number in range(20)))
            assert len(await client.client_list()) > 1
        deadline = time.monotonic() + 10
        while len(await client.client_list()) > 1:  # it hears of the end a little later
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)


async def test_O6_credentials_are_not_logged(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = server.url.replace("unix://", "unix://ann:secret-word@")
    async with caches(url, timeout_ms=500) as [cache]:
        guarded = Guarded(cache, heard := Heard())
        await guarded.get(KEY)
        assert heard.cache_failures == ["get"]
    assert "cache failed" in caplog.text
    assert "secret-word" not in caplog.text + repr(cache) + str(vars(guarded))


def fast(call: Call) -> Script:
    """A good answer at once, and a little time in the engine."""
    return scripted(call, prefill_s=0.1, step_s=0)


def gateway_of(cache: Cache, batch: str = "passthrough", dedup: str = "none", observer: Any = None) -> Gateway:
    engine = Scripted(fast)
    strategy = build("batch", batch, capacity=engine.capacity, max_wait_time_ms=1)
    return Gateway(engine, strategy, cache, build("dedup", dedup), observer or Heard())


@pytest.mark.parametrize(("batch", "dedup"), list(itertools.product(options("batch"), options("dedup"))))
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_every_strategy_and_dedup_in_front_of_it(redis_url: str, batch: str, dedup: str, stream: bool) -> None:
    async with caches(redis_url) as [cache]:
        gateway = gateway_of(cache, batch, dedup)
        first = await ask(gateway, chat("same", stream=stream))
        again = await ask(gateway, chat("same", stream=stream))
        assert (first.record.cache, again.record.cache) == ("miss", "hit")
        assert again.anonymous == first.anonymous
        await gateway.close()
        stored: list[Answer | None] = [await cache.get(entry.key) for entry in await cache.entries()]
        assert [one.id for one in stored if one] == [first.call.id]
