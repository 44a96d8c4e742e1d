"""Admit every request at once."""

from collections.abc import Callable

from vgate.batch.base import BatchStrategy
from vgate.queue.base import Queue
from vgate.types import Capacity


class Passthrough(BatchStrategy):
    """No waiting but for the queue's bound: the engine's continuous batching decides. Size and wait have no effect."""

    def __init__(
        self, max_batch_size: int, max_wait_time_ms: float, queue: Queue, capacity: Callable[[], Capacity]
    ) -> None:
        super().__init__(queue, capacity)

    def _due(self, now: float) -> int:
        return 1
