"""What the ways of joining have in common: the flights that can be joined."""

from typing import Any, Literal

from vgate.cache.key import Sharing
from vgate.dedup.base import Dedup, Events, Work
from vgate.dedup.flight import Flight
from vgate.types import Call, Due

# A key, and whether the events are those of a stream.
Place = tuple[bytes, bool]


class Joining(Dedup):
    """A request joins an identical one's flight, as long as that may be joined, or starts one.

    A whole answer can follow a stream, put together at its end. A stream does not follow a whole answer: it would have
    to wait for the last token, or every whole answer would have to be made as a stream.

    max_buffer_bytes: what a flight keeps at most.
    """

    def __init__(self, scope: Literal["key", "shared"], sampled: bool, max_buffer_bytes: int) -> None:
        self._sharing = Sharing(scope, sampled)
        self.scope = scope
        self._max_buffer_bytes = max_buffer_bytes
        self._flights: dict[Place, Flight] = {}

    def refuses(self, call: Call, defaults: dict[str, Any]) -> bool:
        return self._sharing.refuses(call, defaults) is not None

    def key(self, call: Call, fingerprint: str) -> bytes:
        return self._sharing.key(call, fingerprint)

    def open(self, key: bytes, call: Call, work: Work) -> tuple[str, Events]:
        place = (key, call.stream)
        flight = self._joinable(place)
        streamed = None if call.stream else self._joinable((key, True))
        if flight is None and streamed is not None:
            flight = self._start(place, streamed.id, work.fold(streamed.read()), streamed.due, work)
        if flight is None:
            due = Due(call.deadline)
            flight = self._start(place, call.id, work.generate(due), due, work)
        flight.due.extend(call.deadline)
        return flight.id, flight.read()

    def _joinable(self, place: Place) -> Flight | None:
        """The flight there, but for one that has been refused and does not know it yet."""
        flight = self._flights.get(place)
        return None if flight is None or flight.due.missed else flight

    def _start(self, place: Place, call_id: str, source: Events, due: Due, work: Work) -> Flight:
        def over(flight: Flight) -> None:
            self._over(place, flight)

        flight = Flight(call_id, source, over, due=due, max_bytes=self._max_buffer_bytes, patient=work.patient)
        self._flights[place] = flight
        return flight

    def _over(self, place: Place, flight: Flight) -> None:
        """A flight that may not be joined any more."""
        if self._flights.get(place) is flight:
            del self._flights[place]
