"""What the caches in this process's memory have in common."""

import asyncio
import heapq
import math
import sys
from typing import Any

from vgate.cache.base import Cache, Entry, Held
from vgate.cache.items import Item, Items
from vgate.cache.key import Sharing
from vgate.cache.packed import pack, unpack
from vgate.types import Answer, Call


class MemoryCache(Cache):
    """Keeps answers of this process in `items`, in all at most `max_bytes`.

    overhead: bytes that an entry takes beside its packed answer, as measured: key, Item, and its places in the policy.
    ttl_s:    the longest that an answer is kept; None: as long as there is room.
    """

    def __init__(
        self, items: Items, max_bytes: int, sharing: Sharing, overhead: int, ttl_s: float | None = None
    ) -> None:
        self._items = items
        self._max_bytes = max_bytes
        self._sharing = sharing
        self.scope = sharing.scope
        self._overhead = overhead
        self._ttl_s = math.inf if ttl_s is None else ttl_s

    def refuses(self, call: Call, defaults: dict[str, Any]) -> str | None:
        return self._sharing.refuses(call, defaults)

    def key(self, call: Call, fingerprint: str) -> bytes:
        return self._sharing.key(call, fingerprint)

    async def get(self, key: bytes, max_age_s: float | None = None) -> Answer | None:
        item, now = self._items.use(key), _now()
        if item is None:
            return None
        if item.expires <= now:
            self._items.drop(key)
            return None
        if max_age_s is not None and now - item.stored > max_age_s:
            return None
        item.hits += 1
        return unpack(item.packed, now - item.stored)

    async def put(self, key: bytes, answer: Answer, ttl_s: float | None = None) -> None:
        packed, now = pack(answer), _now()
        kept_s = self._ttl_s if ttl_s is None else min(ttl_s, self._ttl_s)
        item = Item(packed, now, now + kept_s, sys.getsizeof(packed) + self._overhead)
        if item.size > self._max_bytes:
            self._items.drop(key)  # what was there is not the newest answer any more
            self.too_large += 1
            return
        self.evicted += self._items.add(key, item)

    async def entry(self, key: bytes) -> Entry | None:
        item = self._items.look(key)
        return _entry(key, item, _now()) if item and item.expires > _now() else None

    async def entries(self, limit: int | None = None) -> list[Entry]:
        found = [await self.entry(key) for key in self._items.all_keys()]
        entries = [entry for entry in found if entry is not None]
        return oldest(entries, limit)

    async def delete(self, key: bytes) -> bool:
        return self._items.drop(key)

    async def clear(self) -> None:
        self._items.clear()

    @property
    def held(self) -> Held:
        return self._items.held


def oldest(entries: list[Entry], limit: int | None) -> list[Entry]:
    """The oldest first; of equal age in the order of their keys."""
    count = len(entries) if limit is None else limit
    return heapq.nsmallest(count, entries, key=lambda entry: (-entry.age_s, entry.key))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _entry(key: bytes, item: Item, now: float) -> Entry:
    expires_s = None if item.expires == math.inf else item.expires - now
    return Entry(key, now - item.stored, item.size, item.hits, expires_s)
