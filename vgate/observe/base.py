"""What an observer may hear."""

import logging
from collections.abc import Callable

from vgate.record import Record
from vgate.types import Batch, Ticket

logger = logging.getLogger(__name__)


class Observer:
    """Hears each step of a request; every hook does nothing here. Hooks must not change what they are given."""

    def started(self, record: Record) -> None:
        """A request has arrived."""

    def refused(self, reason: str) -> None:
        """A request was turned away on arrival; `reason` in one word."""

    def waiting(self, change: int) -> None:
        """So many more, or fewer, requests wait for admission."""

    def running(self, change: int) -> None:
        """So many more, or fewer, requests are in the engine."""

    def left(self, ticket: Ticket) -> None:
        """A request that was opened has left, also one that was never queued or admitted."""

    def batch_done(self, batch: Batch, now: float) -> None:
        """The last request of a batch has left the engine, at loop time `now`."""

    def cache_failed(self, operation: str) -> None:
        """The cache could not do what it was asked, "get" or "put"; the request goes on as a miss."""

    def cache_dropped(self, reason: str, count: int) -> None:
        """So many answers were dropped, "evicted", or not stored, "too_large"."""

    def items_waiting(self, change: int) -> None:
        """So many more, or fewer, items of embedding requests wait for admission."""

    def items_admitted(self, items: int, tokens: int) -> None:
        """So many items have entered the embedding engine together; `tokens` are in it now, padding included."""

    def limited(self, decision: str) -> None:
        """Keys and limits have decided on a request that asks a model, or on a key.

        "allowed"; refused by a limit: "requests", "tokens", "concurrency"; no known key: "unauthenticated", or too many
        such at once: "pre_auth"; the store of the limits failed and the request was let in "store_open", refused
        "store_closed", or let in by what this process counts "store_local".
        """

    def reloaded(self, ok: bool) -> None:
        """The configuration was read again; not `ok`: it was wrong, and the old one is kept."""

    def finished(self, record: Record) -> None:
        """A request has ended, however it ended."""


class Observers(Observer):
    """Passes every step to several observers. One that fails is logged and changes nothing for the request."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def started(self, record: Record) -> None:
        for observer in self._observers:
            _guarded(observer, observer.started, record)

    def refused(self, reason: str) -> None:
        for observer in self._observers:
            _guarded(observer, observer.refused, reason)

    def waiting(self, change: int) -> None:
        for observer in self._observers:
            _guarded(observer, observer.waiting, change)

    def running(self, change: int) -> None:
        for observer in self._observers:
            _guarded(observer, observer.running, change)

    def left(self, ticket: Ticket) -> None:
        for observer in self._observers:
            _guarded(observer, observer.left, ticket)

    def batch_done(self, batch: Batch, now: float) -> None:
        for observer in self._observers:
            _guarded(observer, observer.batch_done, batch, now)

    def cache_failed(self, operation: str) -> None:
        for observer in self._observers:
            _guarded(observer, observer.cache_failed, operation)

    def cache_dropped(self, reason: str, count: int) -> None:
        for observer in self._observers:
            _guarded(observer, observer.cache_dropped, reason, count)

    def items_waiting(self, change: int) -> None:
        for observer in self._observers:
            _guarded(observer, observer.items_waiting, change)

    def items_admitted(self, items: int, tokens: int) -> None:
        for observer in self._observers:
            _guarded(observer, observer.items_admitted, items, tokens)

    def limited(self, decision: str) -> None:
        for observer in self._observers:
            _guarded(observer, observer.limited, decision)

    def reloaded(self, ok: bool) -> None:
        for observer in self._observers:
            _guarded(observer, observer.reloaded, ok)

    def finished(self, record: Record) -> None:
        for observer in self._observers:
            _guarded(observer, observer.finished, record)


def _guarded(observer: Observer, hook: Callable[..., None], *told: object) -> None:
    try:
        hook(*told)
    except Exception:
        logger.exception("observer failed", extra={"observer": type(observer).__name__})
