"""Stores of limits whose time can be moved: in memory that is the event loop's, in Redis each key's offset."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from tests.components import build
from vgate.limits.base import Limits, Standing, Store

WINDOW_S = 60.0


@dataclass
class Rig:
    """Stores that count together, and a way to let time pass for them. `client` is None in memory."""

    stores: list[Store]
    prefix: str
    client: Any = None

    @property
    def store(self) -> Store:
        return self.stores[0]

    async def enter(self, limits: Limits, tokens: int = 0, name: str = "a") -> Standing:
        return await self.store.enter(name, limits, tokens)

    async def passed(self, count: int, limits: Limits, tokens: int = 0, name: str = "a") -> int:
        """How many of so many, one after the other, are let in."""
        return sum([not (await self.enter(limits, tokens, name)).refused for _ in range(count)])

    async def advance(self, seconds: float) -> None:
        """For Redis beside the time that really passes."""
        if self.client is None:
            await asyncio.sleep(seconds)
            return
        async for key in self.client.scan_iter(match=f"{self.prefix}*:sums"):
            await self.client.hincrby(key, "offset", round(seconds * 1e6))


@contextlib.asynccontextmanager
async def rig(option: str, redis_url: str, count: int = 1, **changes: Any) -> AsyncIterator[Rig]:
    """`count` stores that count together; for memory that is one, asked by all."""
    prefix = f"{uuid.uuid4()}:"
    settings = {"url": redis_url, "prefix": prefix, "timeout_ms": 10_000, "on_failure": "closed", **changes}
    if option == "memory":
        yield Rig([build("limits", "memory")] * count, prefix)
        return
    stores = [build("limits", option, **settings) for _ in range(count)]
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        try:
            yield Rig(stores, prefix, client)
        finally:
            for store in stores:
                store._slots.clear()  # of requests that a test left open
                await store.close()
