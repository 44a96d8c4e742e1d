"""Identical requests that wait for the same batch become one."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from vgate.cache.key import Sharing
from vgate.dedup.base import Dedup, Events
from vgate.dedup.flight import Flight
from vgate.types import Call


class BatchDedup(Dedup):
    """A request joins an identical one until that one's batch has entered the engine. Later ones start their own."""

    def __init__(self, scope: Literal["key", "shared"], sampled: bool) -> None:
        self._sharing = Sharing(scope, sampled)
        self._waiting: dict[bytes, Flight] = {}

    def refuses(self, call: Call, defaults: dict[str, Any]) -> bool:
        return self._sharing.refuses(call, defaults) is not None

    def key(self, call: Call, fingerprint: str) -> bytes:
        return self._sharing.key(call, fingerprint)

    def open(self, key: bytes, call: Call, generate: Callable[[], Events]) -> tuple[str, Events]:
        flight = self._waiting.get(key)
        if flight is None:
            flight = self._waiting[key] = Flight(call.id, generate(), partial(self._over, key))
        return flight.id, flight.read()

    def dispatched(self, key: bytes) -> None:
        self._waiting.pop(key, None)

    def _over(self, key: bytes, flight: Flight) -> None:
        """A generation that ended before it entered the engine is not joined any more."""
        if self._waiting.get(key) is flight:
            del self._waiting[key]
