"""Waking coroutines at their moments, never early and hardly late."""

import asyncio
import heapq
import time
from itertools import count

from vgate.harness.timerfd import Timerfd


class Alarm:
    """For one event loop, which must be running. It lives as long as the loop."""

    def __init__(self) -> None:
        self._timer = Timerfd()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()
        asyncio.get_running_loop().add_reader(self._timer.fd, self._ring)

    async def at(self, moment_ns: int) -> None:
        """Return at `moment_ns` of CLOCK_MONOTONIC, or at once when it has passed."""
        if moment_ns <= time.monotonic_ns():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (moment_ns, next(self._numbers), future))
        if self._waiting[0][2] is future:
            self._timer.set(moment_ns)
        await future

    def _ring(self) -> None:
        self._timer.take()
        while self._waiting and self._waiting[0][0] <= time.monotonic_ns():
            future = heapq.heappop(self._waiting)[2]
            if not future.done():  # its client may have left
                future.set_result(None)
        if self._waiting:
            self._timer.set(self._waiting[0][0])
