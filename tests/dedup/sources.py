"""A generation made of plain events, that counts how often it is started and tells how it ended."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from vgate.dedup.base import Events, Work
from vgate.types import Due, Event


class Source:
    """Yields `count` events, one every `step_s`, then ends or raises `error`."""

    def __init__(self, count: int = 5, step_s: float = 0.1, error: Exception | None = None) -> None:
        self.count = count
        self.step_s = step_s
        self.error = error
        self.started = 0
        self.finished = 0
        self.closed_at: list[float] = []
        self.due: Due | None = None

    @property
    def events(self) -> list[Event]:
        return [Event(b"%d" % number, content=True) for number in range(self.count)]

    @property
    def work(self) -> Work:
        return Work(self, fold=lambda stream: stream)

    def __call__(self, due: Due | None = None) -> AsyncGenerator[Event, None]:
        self.due = due
        return self._run()

    async def _run(self) -> AsyncGenerator[Event, None]:
        self.started += 1
        try:
            for event in self.events:
                await asyncio.sleep(self.step_s)
                yield event
            if self.error is not None:
                raise self.error
            self.finished += 1
        finally:
            self.closed_at.append(asyncio.get_running_loop().time())


async def read(
    events: Events,
    pace_s: float = 0.0,
    most: int | None = None,
    also: Callable[[Event], None] | None = None,
) -> list[Event]:
    """Read the events as one client: at a pace, or leaving after so many."""
    got: list[Event] = []
    try:
        async for event in events:
            got.append(event)
            if also:
                also(event)
            if len(got) == most:
                break
            await asyncio.sleep(pace_s)
    finally:
        await events.aclose()
    return got
