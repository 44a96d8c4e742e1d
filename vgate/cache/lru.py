"""Answers in memory, the least recently used dropped first."""

from typing import Literal

from cachetools import LRUCache

from vgate.cache.items import PolicyItems, size_of
from vgate.cache.key import Sharing
from vgate.cache.memory import MemoryCache

# Bytes that an entry takes beside its packed answer, as measured by tests/cache/filling.py.
_OVERHEAD = 750


class LruCache(MemoryCache):
    """At most `maxsize` answers and `max_bytes` bytes of this process."""

    def __init__(self, maxsize: int, max_bytes: int, scope: Literal["key", "shared"], sampled: bool) -> None:
        items = PolicyItems(LRUCache(max_bytes, size_of), maxsize)
        super().__init__(items, max_bytes, Sharing(scope, sampled), _OVERHEAD)
