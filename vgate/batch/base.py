"""The contract of a batch strategy, and the collecting of batches that two of them share."""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass

from vgate.types import Batch

# Timers may fire this much early by the loop's own clock resolution; seconds.
_SLACK_S = 1e-6


@dataclass(eq=False, slots=True)
class _Waiting:
    deadline: float
    entered: asyncio.Future[Batch]


class BatchStrategy(ABC):
    """Decides when each request enters the engine.

    `enter` returns when the request may go, with the batch it goes in. Every `enter` that returned is followed by one
    `leave`, however the request ended. `enter` may be cancelled at any time: the request then holds nothing.

    exclusive: requests wait for those admitted before them to leave, so none may stay longer than the engine needs.
    """

    exclusive = False

    def __init__(self, max_batch_size: int, max_wait_time_ms: float) -> None:
        self.max_batch_size = max_batch_size
        self.max_wait_s = max_wait_time_ms / 1000
        self._ids = itertools.count(1)

    @abstractmethod
    async def enter(self) -> Batch:
        """Wait for admission."""

    def leave(self, batch: Batch) -> bool:
        """Give the place in the batch back; True when this was the batch's last request."""
        batch.running -= 1
        return batch.running == 0

    def _new_batch(self, size: int) -> Batch:
        return Batch(next(self._ids), size, asyncio.get_running_loop().time(), running=size)


class Collecting(BatchStrategy):
    """Collects waiting requests into batches of `max_batch_size`, or of those there when the oldest's wait is over.

    The wait counts from each request's own arrival; later arrivals do not lengthen it.
    """

    def __init__(self, max_batch_size: int, max_wait_time_ms: float) -> None:
        super().__init__(max_batch_size, max_wait_time_ms)
        self._queue: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Requests that have not been admitted."""
        return len(self._queue)

    async def enter(self) -> Batch:
        loop = asyncio.get_running_loop()
        waiting = _Waiting(loop.time() + self.max_wait_s, loop.create_future())
        self._queue.append(waiting)
        self._dispatch_due()
        try:
            return await waiting.entered
        except asyncio.CancelledError:
            self._withdraw(waiting)
            raise

    def _may_dispatch(self) -> bool:
        """Whether the strategy lets a full or due batch go now."""
        return True

    def _dispatch_due(self) -> None:
        """Let go what is full or due, then set the timer for the oldest that still waits."""
        now = asyncio.get_running_loop().time()
        while self._queue and self._may_dispatch() and self._is_due(now):
            self._dispatch()
        self._set_timer()

    def _is_due(self, now: float) -> bool:
        return len(self._queue) >= self.max_batch_size or now + _SLACK_S >= self._queue[0].deadline

    def _dispatch(self) -> None:
        members: list[_Waiting] = []
        while self._queue and len(members) < self.max_batch_size:
            waiting = self._queue.popleft()
            # Cancelled a moment ago, its task not yet run.
            if not waiting.entered.cancelled():
                members.append(waiting)
        if not members:
            return
        batch = self._new_batch(len(members))
        self._on_dispatch(batch)
        for member in members:
            member.entered.set_result(batch)

    def _on_dispatch(self, batch: Batch) -> None:
        """Called with each batch before its requests are let go."""

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._queue and self._may_dispatch():
            self._timer = asyncio.get_running_loop().call_at(self._queue[0].deadline, self._dispatch_due)

    def _withdraw(self, waiting: _Waiting) -> None:
        """Undo an `enter` that was cancelled, be it before or just after it was admitted."""
        if waiting in self._queue:
            self._queue.remove(waiting)
            self._set_timer()
        elif waiting.entered.done() and not waiting.entered.cancelled():
            self.leave(waiting.entered.result())
