"""Gateways of every combination of options, in front of an engine of the test's choice."""

import itertools
from typing import Any

from tests.components import build, options, virtual_options
from tests.scripted import Scripted
from vgate.engine.base import Engine
from vgate.gateway import Gateway
from vgate.observe.base import Observer, Observers
from vgate.record import Record
from vgate.types import Batch, Ticket

# (batch, cache, dedup): every one of them with every other that runs in virtual time.
COMBINATIONS = list(itertools.product(options("batch"), virtual_options("cache"), options("dedup")))


class Heard(Observer):
    """Remembers the batches that are done, who was dropped and why, who is where, and what the cache could not do."""

    def __init__(self) -> None:
        self.batches: list[tuple[Batch, float]] = []
        self.dropped: list[str] = []
        self.cache_failures: list[str] = []
        self.cache_drops: list[tuple[str, int]] = []
        self.now_waiting = self.now_running = 0

    def refused(self, reason: str) -> None:
        self.dropped.append(reason)

    def cache_failed(self, operation: str) -> None:
        self.cache_failures.append(operation)

    def cache_dropped(self, reason: str, count: int) -> None:
        self.cache_drops.append((reason, count))

    def waiting(self, change: int) -> None:
        self.now_waiting += change

    def running(self, change: int) -> None:
        self.now_running += change

    def left(self, ticket: Ticket) -> None:
        if ticket.refused:
            self.dropped.append(ticket.refused)

    def batch_done(self, batch: Batch, now: float) -> None:
        self.batches.append((batch, now))

    def finished(self, record: Record) -> None:
        raise AssertionError("the HTTP layer tells that, not the gateway")


def gateway(
    engine: Engine | None = None,
    batch: str = "passthrough",
    cache: str = "none",
    dedup: str = "none",
    observer: Observer | None = None,
    **changes: Any,
) -> Gateway:
    """Changes go to every component that has such a key; `queue` names the queue's option."""
    engine = engine or Scripted()
    changes.setdefault("capacity", engine.capacity)
    parts = [
        build(group, option, **changes) for group, option in (("batch", batch), ("cache", cache), ("dedup", dedup))
    ]
    return Gateway(engine, *parts, observer or Observers())


async def dry_run(**changes: Any) -> Engine:
    """The dry-run engine, started."""
    engine: Engine = build("engine", "dry_run", **changes)
    await engine.start()
    return engine
