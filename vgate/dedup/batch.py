"""Identical requests that wait for the same batch become one."""

from vgate.dedup.joining import Joining


class BatchDedup(Joining):
    """A request joins an identical one until that one's batch has entered the engine. Later ones start their own."""

    def dispatched(self, key: bytes) -> None:
        self._flights.pop(key, None)
