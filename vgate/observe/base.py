"""What an observer may hear."""

import logging
from collections.abc import Callable

from vgate.types import Batch, Record

logger = logging.getLogger(__name__)


class Observer:
    """Hears each step of a request; every hook does nothing here. Hooks must not change what they are given."""

    def started(self, record: Record) -> None:
        """A request has arrived."""

    def batch_done(self, batch: Batch, now: float) -> None:
        """The last request of a batch has left the engine, at loop time `now`."""

    def finished(self, record: Record) -> None:
        """A request has ended, however it ended."""


class Observers(Observer):
    """Passes every step to several observers. One that fails is logged and changes nothing for the request."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def started(self, record: Record) -> None:
        for observer in self._observers:
            _guarded(observer, observer.started, record)

    def batch_done(self, batch: Batch, now: float) -> None:
        for observer in self._observers:
            _guarded(observer, observer.batch_done, batch, now)

    def finished(self, record: Record) -> None:
        for observer in self._observers:
            _guarded(observer, observer.finished, record)


def _guarded(observer: Observer, hook: Callable[..., None], *told: object) -> None:
    try:
        hook(*told)
    except Exception:
        logger.exception("observer failed", extra={"observer": type(observer).__name__})
