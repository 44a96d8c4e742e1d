"""Which items are in the engine at once: bounded by tokens, without a timer."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from vgate.embedding.base import Limits
from vgate.errors import ApiError
from vgate.observe.base import Observer

RETRY_AFTER_S = 1


class Place:
    """One item's way through the queue: it waits, is admitted, and leaves."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.admitted = asyncio.Event()
        self.left = False


class ItemQueue:
    """First come, first served: an item enters as soon as there is room for it beside those that are in.

    There is room for so many items, and so many tokens, padding counted where the engine pads. An item that is larger
    than that goes when nothing else is in. What leaves in one turn of the event loop makes room together.
    """

    def __init__(self, limits: Limits, observer: Observer) -> None:
        self._limits = limits
        self._observer = observer
        self._line: OrderedDict[Place, None] = OrderedDict()  # in order of arrival
        self._running: set[Place] = set()
        self._due = False

    def add(self, tokens: Sequence[int]) -> list[Place]:
        """Places for all of these items, or for none: ApiError 503 when too many items wait. Each must `leave`."""
        if len(self._line) + len(tokens) > self._limits.waiting_items:
            self._observer.refused("full")
            raise _full(len(self._line))
        places = [Place(count) for count in tokens]
        self._line.update(dict.fromkeys(places))
        self._wait(len(places))
        return places

    def leave(self, place: Place) -> None:
        """The item is done with, or nobody wants it any more. May be called twice."""
        if place.left:
            return
        place.left = True
        if place in self._running:
            self._running.remove(place)
            self._soon()
        else:
            del self._line[place]
            self._wait(-1)

    def _wait(self, change: int) -> None:
        self._observer.items_waiting(change)
        self._soon()

    def _soon(self) -> None:
        if self._line and not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._admit)

    def _admit(self) -> None:
        self._due = False
        load = Load(self._limits, self._running)
        entered = 0
        while self._line and load.fits(next(iter(self._line)).tokens):
            place, _ = self._line.popitem(last=False)
            load.add(place.tokens)
            self._running.add(place)
            place.admitted.set()
            entered += 1
        if entered:
            self._wait(-entered)
            self._observer.items_admitted(entered, load.tokens)


class Load:
    """How much is in the engine, while more is put in."""

    def __init__(self, limits: Limits, running: "set[Place]") -> None:
        self._limits = limits
        self._items = len(running)
        self._sum = sum(place.tokens for place in running)
        self._longest = max((place.tokens for place in running), default=0)

    @property
    def tokens(self) -> int:
        """What the engine reads, padding included."""
        return self._longest * self._items if self._limits.padded else self._sum

    def add(self, tokens: int) -> None:
        """An item of so many tokens goes in."""
        self._items += 1
        self._sum += tokens
        self._longest = max(self._longest, tokens)

    def fits(self, tokens: int) -> bool:
        """Whether such an item may go in too."""
        if not self._items:
            return True
        total = max(self._longest, tokens) * (self._items + 1) if self._limits.padded else self._sum + tokens
        return self._items < self._limits.batch_items and total <= self._limits.batch_tokens


def _full(waiting: int) -> ApiError:
    message = f"{waiting} items are waiting already (embedding.max_waiting_items)."
    return ApiError(503, message, "server_error", "input", "overloaded", headers={"retry-after": str(RETRY_AFTER_S)})
