"""Request records and gauges for the harness, on request only."""

from typing import Any

import orjson

from vgate.observe.base import Observer
from vgate.record import Record
from vgate.types import Batch, EngineSpan, Ticket

_UNTOLD = EngineSpan()


class Recorder(Observer):
    """Counts who is where at any time; keeps the records of finished requests while it is told to.

    Only POST requests count, which are those that ask a model. A record is kept when its request has finished and its
    generation too, which may go on for others; as one line of JSON, for many small objects would make the collector of
    garbage slow in the midst of a measurement.

    in_flight:   requests that have arrived and are not finished.
    waiting_now: generations that wait for admission.
    running_now: generations in the engine, as the gateway sees it.
    batch_size:  requests in the batch that was done last; None before the first since `start`.
    dropped:     records for which there was no room.
    """

    def __init__(self) -> None:
        self.in_flight = self.waiting_now = self.running_now = 0
        self.batch_size: int | None = None
        self.dropped = 0
        self._kept: list[bytes] | None = None
        self._unripe: dict[str, Record] = {}
        self._limit = 0

    @property
    def kept(self) -> list[bytes] | None:
        """`row` of each record as a line of JSON; None when none are kept."""
        return None if self._kept is None else self._kept + [_line(record) for record in self._unripe.values()]

    def start(self, limit: int) -> None:
        """Keep the records of requests that finish from now on, at most `limit`; what was before is forgotten."""
        self._kept, self._unripe, self._limit, self.dropped = [], {}, limit, 0
        self.batch_size = None

    def stop(self) -> None:
        """Keep none, and forget those kept."""
        self._kept, self._unripe = None, {}

    def started(self, record: Record) -> None:
        self.in_flight += record.method == "POST"

    def waiting(self, change: int) -> None:
        self.waiting_now += change

    def running(self, change: int) -> None:
        self.running_now += change

    def batch_done(self, batch: Batch, now: float) -> None:
        self.batch_size = batch.size

    def finished(self, record: Record) -> None:
        if record.method != "POST":
            return
        self.in_flight -= 1
        if self._kept is None:
            return
        if len(self._kept) + len(self._unripe) >= self._limit:
            self.dropped += 1
        elif record.generating:
            self._unripe[record.call_id] = record
        else:
            self._kept.append(_line(record))

    def left(self, ticket: Ticket) -> None:
        record = self._unripe.pop(ticket.call.id, None)
        if record is not None and self._kept is not None:
            self._kept.append(_line(record))


def _line(record: Record) -> bytes:
    return orjson.dumps(row(record)) + b"\n"


def row(record: Record) -> dict[str, Any]:
    """A record as plain data. Stamps are nanoseconds of the event loop's clock, in a server CLOCK_MONOTONIC."""
    span, usage = record.span or _UNTOLD, record.usage
    return {
        "request_id": record.request_id,
        "call_id": record.call_id,
        "source_id": record.source,
        "endpoint": record.endpoint,
        "stream": record.stream,
        "status": record.status,
        "error": record.error or None,
        "cache": record.cache or None,
        "batch_id": record.batch_id,
        "batch_size": record.batch_size,
        "t_arrived": _ns(record.arrived),
        "t_queued": _ns(record.queued),
        "t_admitted": _ns(record.admitted),
        "held_ns": _ns(record.held_s),
        "t_first_event": _ns(record.first_token),
        "t_answered": _ns(record.answered),
        "t_finished": _ns(record.finished),
        "t_engine_queued": _ns(span.queued),
        "t_scheduled": _ns(span.scheduled),
        "t_first_token": _ns(span.first_token),
        "t_last_token": _ns(span.last_token),
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "completion_tokens": usage.completion_tokens if usage else None,
        "engine_prompt_tokens": span.prompt_tokens,
        "engine_tokens": span.tokens,
        "preemptions": span.preemptions,
    }


def _ns(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e9)
