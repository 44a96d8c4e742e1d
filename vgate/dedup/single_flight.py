"""Identical requests in flight become one, whenever they come."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from vgate.dedup.flight import Flight
from vgate.dedup.joining import Joining, Place


class SingleFlight(Joining):
    """A request joins an identical one at any time until its answer is in the cache: queued, in prefill, in decode.

    Who joins late gets what has been said, then the live stream.
    """

    def __init__(self, scope: Literal["key", "shared"], sampled: bool, max_buffer_bytes: int) -> None:
        super().__init__(scope, sampled, max_buffer_bytes)
        self._lookups: Counter[bytes] = Counter()
        self._landed: dict[Place, Flight] = {}

    @contextlib.contextmanager
    def looking(self, key: bytes) -> Iterator[None]:
        self._lookups[key] += 1
        try:
            yield
        finally:
            self._lookups[key] -= 1
            if not self._lookups[key]:
                del self._lookups[key]
                self._forget((key, True))
                self._forget((key, False))

    def _forget(self, place: Place) -> None:
        landed = self._landed.pop(place, None)
        if landed is not None:
            super()._over(place, landed)

    def _over(self, place: Place, flight: Flight) -> None:
        # Somebody's look into the cache may have begun before the answer was there.
        if place[0] in self._lookups and flight.is_whole and self._flights.get(place) is flight:
            self._landed[place] = flight
        else:
            super()._over(place, flight)
