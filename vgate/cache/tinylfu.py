"""Answers in memory, kept by how often they are asked for of late (W-TinyLFU)."""

from typing import Literal

from moka_py import Moka

from vgate.cache.base import Held
from vgate.cache.items import Item, Items
from vgate.cache.key import Sharing
from vgate.cache.memory import MemoryCache

# Bytes that an entry takes beside its packed answer, as measured by tests/cache/filling.py.
_OVERHEAD = 780


class TinyLfuCache(MemoryCache):
    """At most `maxsize` answers and `max_bytes` bytes of this process.

    An answer that is new comes in only if it was asked for more often than the one that would have to go, so that a
    flood of questions asked once cannot push out what is asked for every day. Counts are estimates that fade.

    Moka has one bound, so an entry weighs its bytes, but no less than `max_bytes / maxsize`: where small and large
    answers mix, neither bound may be reached.
    """

    def __init__(self, maxsize: int, max_bytes: int, scope: Literal["key", "shared"], sampled: bool) -> None:
        super().__init__(_MokaItems(maxsize, max_bytes), max_bytes, Sharing(scope, sampled), _OVERHEAD)


class _MokaItems(Items):
    """In a Moka, which decides; a dict beside it knows the entries, for a Moka cannot be listed."""

    def __init__(self, maxsize: int, max_bytes: int) -> None:
        self._items: dict[bytes, Item] = {}
        self._bytes = 0
        # In bytes, but for bounds beyond what Moka's weights of 32 bits can tell apart.
        unit = 1 + (max_bytes >> 31)
        least = max(1, max_bytes // unit // maxsize)
        self._moka: Moka[bytes, Item] = Moka(
            min(least * maxsize, max_bytes // unit),
            eviction_listener=self._gone,
            weigher=lambda _key, item: max(-(-item.size // unit), least),
        )

    def use(self, key: bytes) -> Item | None:
        return self._moka.get(key)

    def look(self, key: bytes) -> Item | None:
        return self._items.get(key)

    def add(self, key: bytes, item: Item) -> int:
        wanted = len(self._items) + (key not in self._items)
        self._moka.set(key, item)
        self._items[key] = item
        self._bytes += item.size
        self._moka.run_pending_tasks()
        return wanted - len(self._items)

    def drop(self, key: bytes) -> bool:
        found = self._moka.remove(key) is not None
        self._moka.run_pending_tasks()
        return found

    def clear(self) -> None:
        self._moka.clear()
        self._moka.run_pending_tasks()

    def all_keys(self) -> list[bytes]:
        return list(self._items)

    @property
    def held(self) -> Held:
        return Held(len(self._items), self._bytes)

    def _gone(self, key: bytes, item: Item, _cause: str) -> None:
        self._bytes -= item.size
        if self._items.get(key) is item:
            del self._items[key]
