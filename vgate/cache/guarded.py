"""A cache that can do a request no harm: neither by failing nor by being slow."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Coroutine
from typing import Any, TypeVar

from vgate.cache.base import Cache, CacheRefusal, Entry, Held
from vgate.observe.base import Observer
from vgate.types import Answer, Call

logger = logging.getLogger(__name__)

T = TypeVar("T")

# After a failure a store outside this process is left alone so long, twice as long after each further one.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
# Answers on their way to such a store, and how many of them at the same time; more than so many are not stored.
_MOST_WAITING, _MOST_WRITING = 1000, 16


class Guarded(Cache):
    """Turns what a cache raises in `get` and `put`, and what takes longer than its budget, into a miss that is counted.

    Puts that wait for a store outside this process go on after `put` has returned; until they are done, `get` finds
    the answer here. After a failure such a store is asked nothing for a while, so that a dead one does not cost every
    request the budget. What the operator asks for (`entry`, `entries`, `delete`, `clear`) raises.
    """

    def __init__(self, cache: Cache, observer: Observer) -> None:
        self.inner = cache
        self.scope = cache.scope
        self._observer = observer
        self._writing: dict[bytes, Answer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(_MOST_WRITING)
        self._pause_s = 0.0
        self._paused_until = 0.0

    def refuses(self, call: Call, defaults: dict[str, Any]) -> str | None:
        return self.inner.refuses(call, defaults)

    def key(self, call: Call, fingerprint: str) -> bytes:
        return self.inner.key(call, fingerprint)

    async def get(self, key: bytes, max_age_s: float | None = None) -> Answer | None:
        if key in self._writing:
            return self._writing[key]
        return await self._tried("get", self.inner.get(key, max_age_s))

    async def put(self, key: bytes, answer: Answer, ttl_s: float | None = None) -> None:
        if not self.inner.waits:
            await self._store(key, answer, ttl_s)
        elif len(self._tasks) < _MOST_WAITING:
            self._writing[key] = answer
            task = asyncio.create_task(self._write(key, answer, ttl_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._observer.cache_failed("put")

    async def _write(self, key: bytes, answer: Answer, ttl_s: float | None) -> None:
        try:
            async with self._turns:
                await self._store(key, answer, ttl_s)
        finally:
            if self._writing.get(key) is answer:
                del self._writing[key]

    async def _store(self, key: bytes, answer: Answer, ttl_s: float | None) -> None:
        evicted, too_large = self.inner.evicted, self.inner.too_large
        await self._tried("put", self.inner.put(key, answer, ttl_s))
        if self.inner.evicted > evicted:
            self._observer.cache_dropped("evicted", self.inner.evicted - evicted)
        if self.inner.too_large > too_large:
            self._observer.cache_dropped("too_large", self.inner.too_large - too_large)

    async def _tried(self, operation: str, work: Coroutine[Any, Any, T]) -> T | None:
        if asyncio.get_running_loop().time() < self._paused_until:
            work.close()
            return None
        try:
            async with asyncio.timeout(self.inner.budget_s):
                done = await work
        except CacheRefusal as error:
            self._failed(operation, error)
        except Exception as error:  # noqa: BLE001  a cache is never the reason that a request fails
            self._failed(operation, error)
            self._pause()
        else:
            self._pause_s = 0.0
            return done
        return None

    def _failed(self, operation: str, error: Exception) -> None:
        self._observer.cache_failed(operation)
        # Of requests that fail together, the first one says why.
        if asyncio.get_running_loop().time() >= self._paused_until:
            why = f"{type(error).__name__}: {error}"
            logger.warning("cache failed", extra={"operation": operation, "error": why})

    def _pause(self) -> None:
        now = asyncio.get_running_loop().time()
        if self.inner.waits and now >= self._paused_until:
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S) or _FIRST_PAUSE_S
            self._paused_until = now + self._pause_s

    async def entry(self, key: bytes) -> Entry | None:
        await self._written()
        return await self.inner.entry(key)

    async def entries(self, limit: int | None = None) -> list[Entry]:
        await self._written()
        return await self.inner.entries(limit)

    async def delete(self, key: bytes) -> bool:
        await self._written()
        return await self.inner.delete(key)

    async def clear(self) -> None:
        await self._written()
        await self.inner.clear()

    @property
    def held(self) -> Held:
        return self.inner.held

    async def close(self) -> None:
        await self._written()
        self._paused_until = math.inf  # for who still asks
        with contextlib.suppress(Exception):
            await self.inner.close()

    async def _written(self) -> None:
        """Until all puts under way are done; each has its budget."""
        if self._tasks:
            await asyncio.wait(self._tasks)
