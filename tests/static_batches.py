"""An engine of the old kind: one batch at a time, to its end, at a cost nearly independent of its size."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from tests.scripted import Scripted, answer
from vgate.types import Job

BASE_S, EACH_S = 0.1, 0.001


class StaticBatches(Scripted):
    """What enters at the same moment is a batch; batches wait for one another.

    joining: when one batch is done, all that wait are the next, however they came.
    """

    def __init__(self, joining: bool = False) -> None:
        super().__init__()
        self.joining = joining
        self.sizes: list[int] = []
        self._waiting: deque[tuple[float, list[asyncio.Future[None]]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def run(self, job: Job) -> AsyncGenerator[bytes, None]:
        loop, call = asyncio.get_running_loop(), job.call
        self.entered[call.id] = loop.time()
        try:
            await self._served(loop.time())
            for _, event in answer(call, tokens=8):
                assert isinstance(event, bytes)
                yield event
        finally:
            self.ended[call.id] = loop.time()

    def _served(self, now: float) -> "asyncio.Future[None]":
        done = asyncio.get_running_loop().create_future()
        if self._waiting and (self.joining or self._waiting[-1][0] == now):
            self._waiting[-1][1].append(done)
        else:
            self._waiting.append((now, [done]))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return done

    async def _work(self) -> None:
        await asyncio.sleep(0)
        while self._waiting:
            # Those of this very moment are still coming in.
            for _ in range(8):
                await asyncio.sleep(0)
            _, batch = self._waiting.popleft()
            self.sizes.append(len(batch))
            await asyncio.sleep(BASE_S + EACH_S * len(batch))
            for done in batch:
                if not done.done():
                    done.set_result(None)
