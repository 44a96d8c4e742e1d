"""Requests that end while Redis is away: what they held is given back when it is there again."""

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from tests import redis_server
from tests.components import build
from tests.redis_server import RedisServer
from vgate.limits.base import Limits
from vgate.limits.redis import RedisLimits

pytestmark = pytest.mark.real_time
LIMITS = Limits(600.0, requests=100, tokens=1000, concurrency=3)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server.running() as server:
        yield server


async def back(store: RedisLimits) -> None:
    """Once Redis answers again, and nothing is owed to it any more."""
    for _ in range(100):
        if not (await store.look("a", LIMITS)).without and not store._owed and not store._paying:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("Redis does not come back, or is not told")


async def test_R5_R6_slots_and_tokens_come_back_when_redis_does(server: RedisServer) -> None:
    """Long before the slots would expire. The first is asked for and not answered, the others wait."""
    settings = {"url": server.url, "prefix": f"{uuid.uuid4()}:", "timeout_ms": 100, "slot_ttl_s": 600.0}
    store = build("limits", "redis", on_failure="closed", **settings)
    try:
        places = [(await store.enter("a", LIMITS, 300)).place for _ in range(3)]
        server.hang()
        for place in places:
            await store.settle(place, 10)
        server.go_on()
        await back(store)
        standing = await store.enter("a", LIMITS, 0)
        assert standing.refused == ""
        assert standing.tokens is not None
        assert standing.tokens.left >= 1000 - 2 * 10 - 300  # what became of the first cannot be known
        await store.settle(standing.place, 0)
    finally:
        server.go_on()
        store._slots.clear()
        await store.close()
