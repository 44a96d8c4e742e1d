"""The collecting of batches that lockstep and time_window share."""

from collections.abc import Callable

from vgate.batch.base import SLACK_S, BatchStrategy
from vgate.queue.base import Queue
from vgate.types import Capacity


class Collecting(BatchStrategy):
    """Collects waiting requests into batches of `max_batch_size`, or of those there when the oldest's wait is over.

    The wait counts from each request's own arrival; later arrivals do not lengthen it.
    """

    def __init__(
        self, max_batch_size: int, max_wait_time_ms: float, queue: Queue, capacity: Callable[[], Capacity]
    ) -> None:
        super().__init__(queue, capacity)
        self.max_batch_size = max_batch_size
        self.max_wait_s = max_wait_time_ms / 1000

    def _may_dispatch(self) -> bool:
        """Whether a full or due batch may go now."""
        return True

    def _due(self, now: float) -> int:
        full = len(self.queue) >= self.max_batch_size
        if self._may_dispatch() and (full or now + SLACK_S >= self._deadline()):
            return min(len(self.queue), self.max_batch_size)
        return 0

    def _for_company(self) -> bool:
        return self._may_dispatch()

    def _next_due(self) -> float | None:
        return self._deadline() if self._may_dispatch() else None

    def _deadline(self) -> float:
        queued = self._oldest.queued
        assert queued is not None  # who waits has been queued
        return queued + self.max_wait_s
