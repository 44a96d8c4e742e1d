"""Identical requests that wait for the same batch become one."""

from vgate.dedup.joining import Joining
from vgate.types import Due


class BatchDedup(Joining):
    """A request joins an identical one until that one's batch has entered the engine. Later ones start their own."""

    def dispatched(self, key: bytes, due: Due | None) -> None:
        for place in ((key, True), (key, False)):
            flight = self._flights.get(place)
            if flight is not None and flight.due is due:
                del self._flights[place]
