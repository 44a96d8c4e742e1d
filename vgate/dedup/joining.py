"""What the ways of joining have in common: the flights that can be joined."""

from typing import Any, Literal

from vgate.cache.key import Sharing
from vgate.dedup.base import Dedup, Events, Generate
from vgate.dedup.flight import Flight
from vgate.types import Call, Due


class Joining(Dedup):
    """A request joins an identical one's flight, as long as that may be joined, or starts one.

    max_buffer_bytes: what a flight keeps at most.
    """

    def __init__(self, scope: Literal["key", "shared"], sampled: bool, max_buffer_bytes: int) -> None:
        self._sharing = Sharing(scope, sampled)
        self._max_buffer_bytes = max_buffer_bytes
        self._flights: dict[bytes, Flight] = {}

    def refuses(self, call: Call, defaults: dict[str, Any]) -> bool:
        return self._sharing.refuses(call, defaults) is not None

    def key(self, call: Call, fingerprint: str) -> bytes:
        return self._sharing.key(call, fingerprint)

    def open(self, key: bytes, call: Call, generate: Generate, *, patient: bool = True) -> tuple[str, Events]:
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = self._start(key, call, generate, patient)
        else:
            flight.due.extend(call.deadline)
        return flight.id, flight.read()

    def _start(self, key: bytes, call: Call, generate: Generate, patient: bool) -> Flight:
        def over(flight: Flight) -> None:
            self._over(key, flight)

        due = Due(call.deadline)
        return Flight(call.id, generate(due), over, due=due, max_bytes=self._max_buffer_bytes, patient=patient)

    def _over(self, key: bytes, flight: Flight) -> None:
        """A flight that may not be joined any more."""
        if self._flights.get(key) is flight:
            del self._flights[key]
