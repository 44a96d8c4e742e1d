"""Limits in a real Redis: by several gateways together, and without it (R3, R12)."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis.asyncio

from tests import redis_server
from tests.components import build
from tests.limits.rigs import WINDOW_S, rig
from tests.redis_server import RedisServer
from vgate.limits.base import Limits
from vgate.limits.redis import RedisLimits

pytestmark = pytest.mark.real_time
PROCESSES = 4
# One process: all that it is let in, as fast as it can, for so many seconds.
CLIENT = """
import asyncio, json, sys
from tests.components import build
from vgate.limits.base import Limits

async def main(url, prefix, requests, window_s, seconds):
    store = build("limits", "redis", url=url, prefix=prefix, timeout_ms=10_000, on_failure="closed")
    limits, loop, admitted, refused = Limits(window_s, requests=requests), asyncio.get_running_loop(), [], 0
    begin = loop.time()
    async def user():
        nonlocal refused
        while loop.time() < begin + seconds:
            before = loop.time()
            standing = await store.enter("a", limits, 0)
            assert not standing.without
            if standing.refused:
                refused += 1
                await asyncio.sleep(min(0.02, standing.wait_s))
            else:
                admitted.append((before, loop.time()))
    await asyncio.gather(*(user() for _ in range(8)))
    await store.close()
    print(json.dumps([admitted, refused]))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])))
"""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis of the test's own, to do with as it likes."""
    with redis_server.running() as server:
        yield server


@contextlib.asynccontextmanager
async def store_of(url: str, **changes: Any) -> AsyncIterator[RedisLimits]:
    made = build("limits", "redis", url=url, **{"prefix": f"{uuid.uuid4()}:", "timeout_ms": 10_000, **changes})
    try:
        yield made
    finally:
        made._slots.clear()
        await made.close()


async def done(store: RedisLimits) -> None:
    """All that Redis was asked is answered."""
    while store._tasks:
        await asyncio.wait(store._tasks)


def several(url: str, requests: int, window_s: float, seconds: float) -> tuple[list[tuple[float, float]], int]:
    """When requests of four processes were let in, from asking to being told, and how many were refused."""
    arguments = [url, f"{uuid.uuid4()}:", str(requests), str(window_s), str(seconds)]
    command = [sys.executable, "-c", CLIENT, *arguments]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in started]
    return sorted(tuple(times) for admitted, _ in told for times in admitted), sum(refused for _, refused in told)


def test_R2_R3_four_processes_at_once_are_let_in_as_one_would_be(redis_url: str) -> None:
    """Each can tell when it asked and when it was told; in between it was decided. All clocks are the machine's."""
    requests, window_s, seconds = 40, 2.0, 5.0
    admitted, refused = several(redis_url, requests, window_s, seconds)
    assert refused > 100
    for begin, _ in admitted:
        assert sum(begin <= asked and told < begin + window_s for asked, told in admitted) <= requests
    windows = int((admitted[-1][1] - admitted[0][0]) / window_s)
    assert len(admitted) >= 0.95 * windows * requests


async def test_R3_replicas_count_together(redis_url: str) -> None:
    async with rig("redis", redis_url, count=3) as rigged:
        limits = Limits(WINDOW_S, requests=7, tokens=100, concurrency=100)
        standings = [await rigged.stores[number % 3].enter("a", limits, 10) for number in range(9)]
        assert [standing.refused for standing in standings] == [""] * 7 + ["requests"] * 2
        await rigged.stores[0].settle(standings[0].place, 0)
        looked = await rigged.stores[2].look("a", limits)
        assert looked.tokens is not None
        assert looked.tokens.left == 40


async def test_R5_the_slots_of_a_gateway_that_died_come_back(redis_url: str) -> None:
    """Those of one that lives do not."""
    limits = Limits(WINDOW_S, concurrency=2)
    async with rig("redis", redis_url, count=2, slot_ttl_s=1.0) as rigged:
        dead, alive = rigged.stores
        assert isinstance(dead, RedisLimits)
        await dead.enter("a", limits, 0)
        await alive.enter("a", limits, 0)
        dead._slots.clear()  # it renews nothing any more
        assert (await alive.enter("a", limits, 0)).refused == "concurrency"
        await asyncio.sleep(1.4)
        assert [(await alive.enter("a", limits, 0)).refused for _ in range(2)] == ["", "concurrency"]


async def test_R5_a_request_that_is_given_up_while_it_is_let_in_holds_nothing(server: RedisServer) -> None:
    limits = Limits(WINDOW_S, requests=10, tokens=100, concurrency=1)
    async with store_of(server.url) as store:
        await store.look("a", limits)
        server.hang()
        asking = asyncio.create_task(store.enter("a", limits, 40))
        await asyncio.sleep(0.05)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        server.go_on()
        await done(store)
        standing = await store.enter("a", limits, 100)
        assert standing.refused == ""
        assert standing.requests is not None
        assert standing.requests.left == 9


async def test_R7_a_clock_that_is_set_back_changes_nothing(redis_url: str) -> None:
    """To a key whose last request was an hour ahead of the clock now, time goes on from there."""
    limits = Limits(1.0, requests=2)
    async with rig("redis", redis_url) as rigged:
        assert await rigged.passed(3, limits) == 2
        key = f"{rigged.prefix}{{a}}"
        for at, entry in enumerate(await rigged.client.lrange(f"{key}:requests", 0, -1)):
            taken, amount, begun = map(int, entry.split(b":"))
            ahead = f"{taken + 3_600_000_000}:{amount}:{begun + 3_600_000_000}"
            await rigged.client.lset(f"{key}:requests", at, ahead)
        await rigged.client.hincrby(f"{key}:sums", "last", 3_600_000_000)
        refused = await rigged.enter(limits)
        assert refused.refused == "requests"
        assert 0 < refused.wait_s <= 1.0
        await asyncio.sleep(1.05)
        assert await rigged.passed(3, limits) == 2


async def test_R9_what_is_idle_expires_in_redis(redis_url: str) -> None:
    limits = Limits(0.2, requests=5, tokens=50, concurrency=5)
    async with rig("redis", redis_url, slot_ttl_s=1.0) as rigged:
        for number in range(20):
            standing = await rigged.enter(limits, 5, f"{number}")
            await rigged.store.settle(standing.place, 3)
        assert len(await rigged.client.keys(f"{rigged.prefix}*")) == 60  # a set without slots is none
        await asyncio.sleep(2.3)
        assert await rigged.client.keys(f"{rigged.prefix}*") == []


async def test_R13_what_was_used_does_not_expire_before_a_window_that_has_become_longer(redis_url: str) -> None:
    async with rig("redis", redis_url) as rigged:
        await rigged.enter(Limits(1.0, requests=1))
        for look in (rigged.store.look("a", Limits(600.0, requests=1)), rigged.enter(Limits(6000.0, requests=1))):
            before = await rigged.client.pttl(f"{rigged.prefix}{{a}}:sums")
            assert not (await look).place
            assert await rigged.client.pttl(f"{rigged.prefix}{{a}}:sums") > 9 * before


async def test_a_redis_that_forgot_everything_starts_anew(redis_url: str) -> None:
    """What is settled then has nothing to be given back to, and touches nothing of others."""
    limits = Limits(WINDOW_S, requests=5, tokens=100, concurrency=5)
    async with rig("redis", redis_url) as rigged:
        old = await rigged.enter(limits, 50)
        for kind in ("sums", "requests"):
            await rigged.client.delete(f"{rigged.prefix}{{a}}:{kind}")
        await rigged.enter(limits, 80)
        for tokens in (0, None):
            await rigged.store.settle(old.place, tokens)
        assert [(await rigged.enter(limits, tokens)).refused for tokens in (21, 20)] == ["tokens", ""]


@pytest.mark.parametrize("how", ["dead", "hung", "not there"])
@pytest.mark.parametrize("choice", ["open", "closed", "local"])
async def test_R12_without_redis_what_was_chosen_happens_and_at_once(
    server: RedisServer, how: str, choice: str
) -> None:
    limits = Limits(WINDOW_S, requests=3, tokens=100, concurrency=50)
    url = "redis://127.0.0.1:1/0" if how == "not there" else server.url
    async with store_of(url, on_failure=choice, timeout_ms=100) as store:
        if how != "not there":
            assert not (await store.enter("a", limits, 1)).without
            server.kill() if how == "dead" else server.hang()
        began = time.monotonic()
        standings = [await store.enter("a", limits, 10) for _ in range(200)]
        looked = await store.look("a", limits)
        assert time.monotonic() - began < 2, "waiting each time would take 20 s"
        assert {standing.without for standing in standings if not standing.refused} == {choice}
        passes = 3 if choice == "local" else 200
        assert sum(not standing.refused for standing in standings) == passes
        assert (looked.requests, looked.without) == (None, choice)
        for standing in standings:
            if standing.place is not None:
                await store.settle(standing.place, 1)
        server.go_on() if how == "hung" else None


async def test_R12_it_is_asked_again_when_it_is_back(server: RedisServer) -> None:
    limits = Limits(WINDOW_S, requests=3)
    async with store_of(server.url, timeout_ms=200) as store:
        server.kill()
        assert (await store.enter("a", limits, 0)).without == "local"
        server.start()
        assert (await store.enter("a", limits, 0)).without == "local"
        await asyncio.sleep(0.6)
        standing = await store.enter("a", limits, 0)
        assert standing.without == ""
        assert standing.requests is not None
        assert standing.requests.left == 2


async def test_R4_what_redis_took_but_told_too_late_is_given_back(server: RedisServer) -> None:
    limits = Limits(WINDOW_S, requests=3, tokens=100, concurrency=1)
    async with store_of(server.url, timeout_ms=3000, on_failure="closed") as store:
        await store.look("a", limits)
        store._budget_s = 0.05
        server.hang()
        assert (await store.enter("a", limits, 100)).without == "closed"
        server.go_on()
        await done(store)
        await asyncio.sleep(0.5)  # in which Redis is left alone
        store._budget_s = 3.0
        standing = await store.look("a", limits)
        assert (standing.requests and standing.requests.left, standing.tokens and standing.tokens.left) == (3, 100)
        assert not (await store.enter("a", limits, 1)).refused


async def test_R13_the_same_store_goes_on_and_another_prefix_is_another_count(redis_url: str) -> None:
    limits = Limits(WINDOW_S, requests=3)
    async with (
        store_of(redis_url, prefix="one:") as old,
        store_of(redis_url, prefix="one:") as same,
        store_of(redis_url, prefix="one:", timeout_ms=999) as other,
    ):
        await old.enter("a", limits, 0)
        assert same.succeed(old) is old
        assert other.succeed(old) is other
        standing = await other.enter("a", limits, 0)
        assert standing.requests is not None
        assert standing.requests.left == 1
        assert other.succeed(build("limits", "memory")) is other


async def test_closing_waits_for_what_is_not_settled(redis_url: str) -> None:
    limits = Limits(WINDOW_S, concurrency=1)
    async with rig("redis", redis_url, count=2) as rigged:
        old, new = rigged.stores
        standing = await old.enter("a", limits, 0)
        closing = asyncio.create_task(old.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        await old.settle(standing.place, 0)
        await closing
        assert not (await new.enter("a", limits, 0)).refused


async def test_the_script_takes_hardly_any_time(redis_url: str) -> None:
    """Also of windows that are full: the time that Redis stands still for a decision."""
    limits = Limits(WINDOW_S, requests=10_000, tokens=10**6, concurrency=100)
    async with rig("redis", redis_url) as rigged:
        for _ in range(700):
            await rigged.store.settle((await rigged.enter(limits, 50)).place, 20)
        client = redis.asyncio.Redis.from_url(redis_url)
        await client.config_resetstat()
        for _ in range(300):
            await rigged.store.settle((await rigged.enter(limits, 50)).place, 20)
        stats = (await client.info("commandstats"))["cmdstat_evalsha"]
        await client.aclose()
        assert stats["usec_per_call"] < 1000
