"""Answers in memory for a limited time."""

import asyncio
from typing import Literal

from cachetools import TLRUCache

from vgate.cache.items import Item, PolicyItems, size_of
from vgate.cache.key import Sharing
from vgate.cache.memory import MemoryCache

# Bytes that an entry takes beside its packed answer, as measured by tests/cache/filling.py.
_OVERHEAD = 820


class TtlCache(MemoryCache):
    """At most `maxsize` answers and `max_bytes` bytes of this process, each for `ttl_s` seconds.

    Expired answers go first, then the least recently used. A use does not lengthen an answer's time.
    """

    def __init__(
        self, maxsize: int, max_bytes: int, ttl_s: float, scope: Literal["key", "shared"], sampled: bool
    ) -> None:
        policy: TLRUCache[bytes, Item] = TLRUCache(max_bytes, _expires, _loop_time, size_of)
        super().__init__(PolicyItems(policy, maxsize), max_bytes, Sharing(scope, sampled), _OVERHEAD, ttl_s)


def _expires(_key: bytes, item: Item, _now: float) -> float:
    return item.expires


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
