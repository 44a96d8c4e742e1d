"""One answer in the making, read by several clients."""

import asyncio
import contextlib
from collections.abc import Callable

from vgate.dedup.base import Events
from vgate.errors import NotReady
from vgate.types import Event


class Flight:
    """Runs a source of events once and lets any number of readers follow, each from the first event on.

    The source runs in its own task, so no reader's leaving or slowness touches the others; when the last reader has
    left, the source is closed. The source's error reaches every reader, after the events before it. `on_over` is
    called when nobody may join any more: the source has ended, however it ended, or is about to be closed.
    """

    def __init__(self, call_id: str, source: Events, on_over: Callable[["Flight"], None] = lambda _: None) -> None:
        self.id = call_id
        self._events: list[Event] = []
        self._error: Exception | None = None
        self._over = False
        self._readers = 0
        self._news = asyncio.Event()
        self._on_over = on_over
        self._task = asyncio.create_task(self._run(source))

    async def read(self) -> Events:
        """The events so far, then those to come. Close the iterator to leave."""
        self._readers += 1
        position = 0
        try:
            while True:
                while position < len(self._events):
                    yield self._events[position]
                    position += 1
                if self._over:
                    break
                await self._news.wait()
            if self._error is not None:
                raise self._error
        finally:
            await self._depart()

    async def _depart(self) -> None:
        self._readers -= 1
        if self._readers == 0 and not self._task.done():
            self._on_over(self)
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, source: Events) -> None:
        try:
            async with contextlib.aclosing(source):
                async for event in source:
                    self._events.append(event)
                    self._tell()
        except Exception as error:  # noqa: BLE001  handed to every reader
            self._error = error
        except asyncio.CancelledError:
            self._error = NotReady("The generation was aborted.")
            raise
        finally:
            self._over = True
            self._on_over(self)
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
