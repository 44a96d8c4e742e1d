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
    """Passes every step to several observers. One that fails is logged and changes nothing for the request.

    Each hook reaches those alone that do something in it: there are dozens of calls for each request.
    """

    def __init__(self, *observers: Observer) -> None:
        for name, hook in vars(Observer).items():
            if not name.startswith("_"):
                hearing = [observer for observer in observers if getattr(type(observer), name) is not hook]
                setattr(self, name, _passing([getattr(observer, name) for observer in hearing]))


def _passing(hooks: list[Callable[..., None]]) -> Callable[..., None]:
    def passed(*told: object, **named: object) -> None:
        for hook in hooks:
            try:
                hook(*told, **named)
            except Exception:
                observer = type(getattr(hook, "__self__", hook)).__name__
                logger.exception("observer failed", extra={"observer": observer})

    return passed
