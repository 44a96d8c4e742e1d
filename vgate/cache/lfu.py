"""Answers in memory, the least frequently used dropped first."""

from typing import Literal

from cachetools import LFUCache

from vgate.cache.items import PolicyItems, size_of
from vgate.cache.key import Sharing
from vgate.cache.memory import MemoryCache

# Bytes that an entry takes beside its packed answer, as measured by tests/cache/filling.py.
_OVERHEAD = 820


class LfuCache(MemoryCache):
    """At most `maxsize` answers and `max_bytes` bytes of this process.

    Uses are counted as long as an answer is stored and never forgotten: what was asked for often last week stays, and
    new answers push out one another. Where the questions change over time, tinylfu is the better choice.
    """

    def __init__(self, maxsize: int, max_bytes: int, scope: Literal["key", "shared"], sampled: bool) -> None:
        items = PolicyItems(LFUCache(max_bytes, size_of), maxsize)
        super().__init__(items, max_bytes, Sharing(scope, sampled), _OVERHEAD)
