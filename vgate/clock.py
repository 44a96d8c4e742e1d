"""The clocks of the program, which are its event loops' clocks.

Everything between the HTTP layer and the engine reads time and sleeps only through the event loop, so the same code
runs in a server and in virtual time: tests that never sleep, and a simulator that does an hour in seconds.
"""

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: hands the time it was asked to wait to the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("deadlock in virtual time: nothing is scheduled and nothing is ready")
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, starting at 0. For code that does no real I/O and uses no threads."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def precise_loop() -> asyncio.AbstractEventLoop:
    """Uvloop with CLOCK_MONOTONIC to the nanosecond; its own clock stands still within a turn and counts whole ms."""
    import uvloop

    class PreciseLoop(uvloop.Loop):
        def time(self) -> float:
            return time.monotonic()

    return PreciseLoop()
