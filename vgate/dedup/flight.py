"""One answer in the making, read by several clients."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from types import TracebackType

from vgate.dedup.base import Events
from vgate.errors import NotReady, TooSlow
from vgate.types import Due, Event

logger = logging.getLogger(__name__)

# An answer within this many bytes can be joined and is kept for every reader, unless an option says otherwise.
MAX_BUFFER_BYTES = 2 * 1024 * 1024
# How far the source may run ahead of its quickest reader where it need not hurry; bytes.
AHEAD_BYTES = 64 * 1024
# Where every reader has stalled for so long, nobody is likely to come.
_STALLED_S = 1.0
# What an event costs beside its bytes: the objects around it.
_OVERHEAD_BYTES = 128


def _nothing(_flight: "Flight") -> None:
    return


class Flight:
    """Runs a source of events once and lets any number of readers follow, each from the first event on.

    The source runs in its own task, so no reader's leaving or slowness touches the others; when the last reader has
    left, the source is closed. The source's error reaches every reader, after the events before it. Readers end with
    the answer's last event; what the source does after it, such as storing the answer, nobody waits for or stops.

    What is kept is shared by the readers: each costs its place in it. At most `max_bytes` are kept. From half of that
    on nobody may join any more, and what all have read can be dropped; a reader that is further behind than `max_bytes`
    is let go with TooSlow. A `patient` source waits where even its quickest reader is more than 64 KiB behind, or half
    of `max_bytes`; when it has waited for a second, nobody may join either.

    due:      the latest deadline of those who joined.
    on_over:  called, perhaps more than once, when nobody may join any more: the answer has become too long, or the
              source has ended, however it ended, or is about to be closed.
    """

    def __init__(
        self,
        call_id: str,
        source: Events,
        on_over: Callable[["Flight"], None] = _nothing,
        *,
        due: Due | None = None,
        max_bytes: int = MAX_BUFFER_BYTES,
        patient: bool = True,
    ) -> None:
        self.id = call_id
        self.due = due or Due(None)
        self._source = source
        self._on_over = on_over
        self._max_bytes = max_bytes
        self._patient = patient
        self._roomy_bytes = min(AHEAD_BYTES, max_bytes // 2)
        self._readers: set[Reader] = set()
        self._kept: list[Event] = []
        self._ends: list[int] = []  # bytes said, up to the end of each kept event
        self._dropped = 0  # events before the first kept one
        self._dropped_bytes = self._said_bytes = 0
        self._front = 0  # events that the quickest reader has taken
        self._complete = self._over = False
        self._joinable = True
        self._error: Exception | None = None
        self._traceback: TracebackType | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._moved: asyncio.Future[None] | None = None
        self._task = asyncio.create_task(self._run())

    @property
    def kept_bytes(self) -> int:
        """What this flight keeps."""
        return self._said_bytes - self._dropped_bytes

    @property
    def is_whole(self) -> bool:
        """Whether the answer ended well, and all of it is still here."""
        return self._complete and not self._dropped

    def read(self) -> "Reader":
        """One more reader, who is there from now on: the events so far, then those to come."""
        reader = Reader(self)
        self._readers.add(reader)
        return reader

    async def _run(self) -> None:
        try:
            async with contextlib.aclosing(self._source):
                async for event in self._source:
                    self._add(event)
                    if self.kept_bytes > self._roomy_bytes and not self._complete:
                        await self._make_room()
        except Exception as error:  # noqa: BLE001  handed to every reader
            self._fail(error)
        except asyncio.CancelledError:
            self._fail(NotReady("The generation was aborted."))
            raise
        finally:
            self._over = True
            self._on_over(self)
            self._tell()

    def _add(self, event: Event) -> None:
        self._kept.append(event)
        self._said_bytes += len(event.data) + _OVERHEAD_BYTES
        self._ends.append(self._said_bytes)
        self._complete = event.usage is not None
        self._tell()

    def _tell(self) -> None:
        # A future for each who waits: one for all would be cancelled with the first of them.
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        if self._complete and not isinstance(error, NotReady):
            logger.error("an answer was given, but could not be finished", exc_info=error)
        self._error, self._traceback = error, error.__traceback__

    async def _make_room(self) -> None:
        if self.kept_bytes > self._max_bytes // 2 or not self._joinable:
            self._close()
        if self._patient:
            await self._wait()
        elif self._behind(self._front) > self._roomy_bytes:
            await asyncio.sleep(0)  # readers take a burst a piece at a time
        if self.kept_bytes > self._max_bytes:
            await asyncio.sleep(0)  # whoever is not slow has its turn
            self._forget()

    async def _wait(self) -> None:
        """For the quickest reader."""
        while self._readers and self._behind(self._front) > self._roomy_bytes:
            self._moved = asyncio.get_running_loop().create_future()
            moved, _ = await asyncio.wait([self._moved], timeout=_STALLED_S if self._joinable else None)
            if not moved:
                self._close()
            self._moved = None

    def _close(self) -> None:
        """Nobody may join any more, so what all have read is not needed."""
        if self._joinable:
            self._joinable = False
            self._on_over(self)
        self._drop(min((reader.position for reader in self._readers), default=0) - self._dropped)

    def _behind(self, position: int) -> int:
        """How many bytes were said after so many events."""
        at = position - self._dropped
        return self._said_bytes - (self._ends[at - 1] if at > 0 else self._dropped_bytes)

    def _forget(self) -> None:
        """Drop what all have read, and whoever is too slow to let that be enough."""
        while self._readers:
            slowest = min(reader.position for reader in self._readers)
            self._drop(slowest - self._dropped)
            if self.kept_bytes <= self._max_bytes:
                return
            for reader in [reader for reader in self._readers if reader.position == slowest]:
                self._readers.remove(reader)
                reader.error = TooSlow(self._max_bytes)
        raise NotReady("The generation was aborted: nobody follows it any more.")

    def _drop(self, count: int) -> None:
        if count > 0:
            self._dropped += count
            self._dropped_bytes = self._ends[count - 1]
            del self._kept[:count], self._ends[:count]

    async def depart(self, reader: "Reader") -> None:
        """A reader leaves. With the last one the source is closed, unless the answer is complete."""
        if reader not in self._readers:
            return
        self._readers.remove(reader)
        self._front = max((other.position for other in self._readers), default=0)
        if self._readers or self._complete or self._task.done():
            return
        self._on_over(self)
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._source.aclose()  # where the task was cancelled before it began

    def take(self, position: int) -> Event | None:
        """The event at a position; None when it is still to come. StopAsyncIteration, or the error, at the end."""
        at = position - self._dropped
        if at < len(self._kept):
            if position >= self._front:
                self._front = position + 1
                if self._moved is not None and not self._moved.done():
                    self._moved.set_result(None)
            return self._kept[at]
        if self._complete:
            raise StopAsyncIteration
        if self._over:
            raise self._error.with_traceback(self._traceback) if self._error else StopAsyncIteration
        return None

    def news(self) -> "asyncio.Future[None]":
        """Done with the next event, or the end."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter


class Reader:
    """One client's way through a flight. Close it to leave."""

    __slots__ = ("_flight", "error", "position")

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
        self.position = 0
        self.error: Exception | None = None

    def __aiter__(self) -> "Reader":
        return self

    async def __anext__(self) -> Event:
        while True:
            if self.error is not None:
                raise self.error
            event = self._flight.take(self.position)
            if event is not None:
                self.position += 1
                return event
            await self._flight.news()

    async def aclose(self) -> None:
        """Leave."""
        await self._flight.depart(self)
