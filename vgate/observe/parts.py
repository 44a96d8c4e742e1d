"""Where a request's time went in the server, in the words of `vgate.harness.metrics.parts`.

gateway:      the gateway's own work, before admission and after the last token.
queue:        waiting for room in the engine.
batch_wait:   held for company though there was room.
engine_queue: from there to the engine's first step for it.
prefill, decode: from there to its first token, and to its last.
engine:       in place of the last three where the engine does not tell them apart.

An answer that was joined is given the parts of the generation that it follows, from its own arrival on; one from the
cache, or refused unqueued, is all gateway. What the harness calls client and wire a server cannot see.
"""

import itertools

from vgate.record import Record

PARTS = ("gateway", "queue", "batch_wait", "engine_queue", "prefill", "decode")
UNDIVIDED = "engine"


def parts_us(record: Record, end: float) -> dict[str, int]:
    """Whole microseconds of each part, from arrival to `end`, the event loop's time: their sum is exactly that time.

    Of what is still under way, so much as has happened.
    """
    phases = phases_us(record, end)
    spent = {name: after - before for name, before, after in phases}
    return {"gateway": _us(end - record.arrived) - sum(spent.values()), **spent}


def phases_us(record: Record, end: float) -> list[tuple[str, int, int]]:
    """The parts that are not the gateway's, one after the other: name, begin and end in microseconds since arrival.

    Being held is put at the end of the wait, in one piece, whenever within it that was.
    """
    made = record.followed or record
    if made.span is not None:
        made.span.refresh()
    queued, admitted, *inside, total = _moments(record, made, end)
    held = admitted - _held(made, admitted - queued)
    waits = [("queue", queued, held), ("batch_wait", held, admitted)]
    if made.admitted is not None and not inside:
        return [*waits, (UNDIVIDED, admitted, total)]
    scheduled, first, last = inside or (total, total, total)
    return [*waits, ("engine_queue", admitted, scheduled), ("prefill", scheduled, first), ("decode", first, last)]


def server_timing(record: Record, now: float) -> str:
    """The header `Server-Timing` of an answer whose headers go out now: each part with its milliseconds.

    Of a stream that is the time up to its first byte.
    """
    found = parts_us(record, now)
    return ", ".join([f"{name};dur={us / 1000:.3f}" for name, us in found.items()])


def _moments(record: Record, made: Record, end: float) -> list[int]:
    """Microseconds since arrival, each at least the one before: queued, admitted, what the engine tells, end.

    What has not happened is put at the end. The engine tells three moments, or none.
    """
    stamps = [made.queued, made.admitted]
    if made.admitted is not None and made.span is not None and made.span.scheduled is not None:
        stamps += [made.span.scheduled, made.span.first_token, made.span.last_token]
    total = _us(end - record.arrived)
    since = [total if at is None else min(_us(at - record.arrived), total) for at in stamps]
    return [*itertools.accumulate(since, max), total]


def _us(seconds: float) -> int:
    return max(0, round(seconds * 1e6))


def _held(made: Record, wait: int) -> int:
    """Of that wait so much; of a wait joined midway, the share that the whole of it had."""
    if made.queued is None or made.admitted is None:
        held = made.held_s * 1e6
    else:
        whole = made.admitted - made.queued
        held = made.held_s / whole * wait if whole > 0 else 0.0
    return max(0, min(wait, round(held)))
