"""Tickets in the order of a number that each is pushed with."""

import heapq
from typing import Generic, TypeVar

T = TypeVar("T")


class Heap(Generic[T]):
    """The item with the least key first, among equals the one pushed first. All operations are O(log n), amortised.

    An item is in it once; pushing it again changes its key.
    """

    def __init__(self) -> None:
        self._entries: dict[T, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, T]] = []
        self._pushed = 0

    def push(self, item: T, key: float) -> None:
        """Add an item, or move it."""
        self._pushed += 1
        self._entries[item] = (key, self._pushed)
        heapq.heappush(self._heap, (key, self._pushed, item))
        self._clean()

    def first(self) -> T:
        """The item with the least key; the heap is not empty."""
        return self._heap[0][2]

    def discard(self, item: T) -> None:
        """Take an item out, wherever it is; nothing happens if it is not in."""
        if self._entries.pop(item, None) is not None:
            self._clean()

    def __len__(self) -> int:
        return len(self._entries)

    def _clean(self) -> None:
        """Drop entries of items that were moved or taken out, before they reach the top or outnumber the others."""
        if len(self._heap) > 2 * len(self._entries) + 16:
            self._heap = [(*place, item) for item, place in self._entries.items()]
            heapq.heapify(self._heap)
        while self._heap and self._entries.get(self._heap[0][2]) != self._heap[0][:2]:
            heapq.heappop(self._heap)
