"""Streams that go on at another worker when theirs breaks off."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import replace

from vgate import sse
from vgate.errors import ApiError
from vgate.types import Call, EngineSpan
from vgate.upstream.asking import Asking
from vgate.upstream.connection import MAX_WHOLE_BYTES
from vgate.upstream.elsewhere import Seam, Search
from vgate.upstream.events import Addressed, Framer
from vgate.upstream.failures import Garbled, Lost, UpstreamError
from vgate.upstream.opening import Opened, Opening
from vgate.upstream.said import Diverged, Said
from vgate.upstream.span import Marks
from vgate.upstream.translated import lost, of_event
from vgate.workers.pool import Pool
from vgate.workers.worker import Worker

logger = logging.getLogger(__name__)

# After so many workers in a row that came no further it may be the request of which they die.
_FRUITLESS = 3


class Unbroken:
    """Streams of workers as the client sees them.

    on:     whether they go on elsewhere at all. seeded: also those that are drawn at random with a seed.
    wait_s: so long it looks for a worker that goes on, all tries together.
    """

    def __init__(self, opening: Opening, pool: Pool, *, on: bool, seeded: bool, wait_s: float) -> None:
        self.opening = opening
        self._pool = pool
        self._on = on
        self._seeded = seeded
        self._wait_s = wait_s

    async def events(self, call: Call, asking: Asking, own: str, span: EngineSpan) -> AsyncGenerator[bytes, None]:
        """Events under the id `own`, the last one `[DONE]`. Raises ApiError."""
        said = Said(call, seeded=self._seeded)
        if not self._on:
            said.why_not = "engine.continue_streams is off"
        asking = replace(asking, tokens=not said.why_not and call.body.get("temperature") == 0)
        opened = await self.opening.first(call, asking)
        marks = Marks(span, call)
        stream = _Stream(self, call, asking, _Leg(opened, _unchanged, own, call, said), said, marks, own)
        try:
            while True:
                for event in await stream.next():
                    yield event
                    if event == sse.DONE:
                        return
        finally:
            stream.close()
            marks.end()

    async def elsewhere(
        self, call: Call, asking: Asking, said: Said, broken: Worker, error: ApiError
    ) -> tuple[Opened, Seam]:
        """Another worker's stream, and how it goes on from what was said. Raises ApiError where there is none."""
        if not said.begun:
            return await self._retried(call, asking, broken, error), _unchanged
        if said.why_not:
            message = f"{error.message} It cannot go on at another worker: {said.why_not}."
            raise ApiError(error.status, message, error.kind, code="stream_broken")
        self._pool.continued()
        search = Search(self.opening, self._pool, call, asking, said, broken, self._wait_s)
        found = await search.found(error)
        told = {"worker": broken.name, "to": found[0].worker.name, "call_id": call.id}
        logger.warning("a stream goes on at another worker", extra=told)
        return found

    async def _retried(self, call: Call, asking: Asking, broken: Worker, error: ApiError) -> Opened:
        """Nothing has gone to the client: a try like any other. Raises `error` where nobody else is there."""
        if not self._pool.may_retry():
            raise error
        try:
            return await self.opening.first(call, asking, broken)
        except ApiError as other:
            raise error if other.code in {"not_ready", "overloaded"} else other from None


class _Broke(Exception):
    """The stream has ended without its end."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


class _Leg:
    """One worker's part of a stream, as many events as come at once."""

    def __init__(self, opened: Opened, seam: Seam, own: str, call: Call, said: Said) -> None:
        self.opened = opened
        self._seam = seam
        self._addressed = Addressed(own, counted_for_us=not call.wants_usage, created=said.created)
        self._take = said.tokens.take if opened.tokens else _unchanged
        self._framer = Framer()
        self._piece = opened.first
        self._silent_bytes = 0
        self._time = asyncio.get_running_loop().time
        self._since: float | None = None  # when an event was waited for that has not come yet

    async def events(self) -> list[bytes]:
        """The worker's own events that come next. Raises _Broke where there is an end that is none."""
        piece, self._piece = self._piece, b""
        if self._since is None:
            self._since = self._time()
        try:
            piece = piece or await self.opened.more(self._since)
        except UpstreamError as error:
            raise _Broke(lost(error).error) from None
        events = self._framer.feed(piece) if piece else self._framer.end()
        if not (piece or events):
            raise _Broke(lost(Lost("ended its stream before its end", begun=True)).error)
        self._silent_bytes, self._since = (0, None) if events else (self._silent_bytes + len(piece), self._since)
        if self._silent_bytes > MAX_WHOLE_BYTES:
            raise _Broke(lost(Garbled(f"sent {MAX_WHOLE_BYTES} bytes without the end of an event")).error)
        return events

    def outgoing(self, event: bytes) -> bytes | None:
        """The event as it goes out. Raises _Broke for an error that is the worker's, its own for one of the request,
        and Diverged.
        """
        failed = of_event(event)
        if failed is not None and failed.outcome == "failed":
            logger.warning("a worker failed", extra=failed.in_log(self.opened.worker))
            raise _Broke(failed.error)
        if failed is not None:
            self.opened.close("ok")
            raise failed.error
        return self._seam(self._addressed(self._take(event)))


class _Stream:
    """What the client gets, of one leg after the other."""

    def __init__(  # noqa: PLR0913, PLR0917  one request's parts
        self, unbroken: Unbroken, call: Call, asking: Asking, leg: _Leg, said: Said, marks: Marks, own: str
    ) -> None:
        self._unbroken = unbroken
        self._call = call
        self._asking = asking
        self._leg = leg
        self._said = said
        self._marks = marks
        self._own = own
        self._broke: _Broke | Diverged | None = None
        self._fruitless = 0

    async def next(self) -> list[bytes]:
        """The events that come next, maybe none."""
        out: list[bytes] = []
        try:
            if self._broke is None:
                self._take(await self._leg.events(), out)
        except (_Broke, Diverged) as broke:
            self._broke = broke
        if self._broke is not None and not out:
            why, self._broke = self._broke, None
            if self._said.counted:
                self._leg.opened.close("failed")
                return [sse.DONE]  # that is all that was missing
            await self._go_on(why)
        return out

    def _take(self, events: list[bytes], out: list[bytes]) -> None:
        for raw in events:
            event = self._read(raw)
            if event is None:
                continue
            out.append(event)
            self._fruitless = 0
            if event == sse.DONE:
                self._leg.opened.close("ok")
                return
            self._marks.note(event)

    def _read(self, raw: bytes) -> bytes | None:
        """The event as it goes out, noted. What cannot be read breaks the stream, before the client has it."""
        if raw == sse.DONE and not self._said.may_end:
            raise _Broke(lost(Lost("ended its stream before its end", begun=True)).error)
        try:
            event = self._leg.outgoing(raw)
            if event is not None:
                self._said.note(event)
        except (ValueError, TypeError, AttributeError, LookupError):  # read as what it should be
            raise _Broke(lost(Garbled("sent an event that is not of the API's form")).error) from None
        return event

    async def _go_on(self, broke: "_Broke | Diverged") -> None:
        if isinstance(broke, Diverged):
            message = "The worker broke off, and another one does not say the same."
            raise ApiError(502, message, "server_error", code="stream_broken")
        opened = self._leg.opened
        opened.close("failed")
        self._fruitless += 1
        if self._fruitless > _FRUITLESS:
            raise broke.error
        asked = (self._call, self._asking, self._said, opened.worker, broke.error)
        opened, seam = await self._unbroken.elsewhere(*asked)
        self._leg = _Leg(opened, seam, self._own, self._call, self._said)

    def close(self) -> None:
        """The client has all, or does not want more."""
        self._leg.opened.close("left")


def _unchanged(event: bytes) -> bytes:
    return event
