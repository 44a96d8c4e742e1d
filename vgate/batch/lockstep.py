"""Collect a batch, run it to its end, then admit the next: the original V-Gate."""

from vgate.batch.base import Collecting
from vgate.types import Batch


class Lockstep(Collecting):
    """At most one batch is in the engine. What has become due meanwhile goes as soon as that one is done."""

    exclusive = True

    def __init__(self, max_batch_size: int, max_wait_time_ms: float) -> None:
        super().__init__(max_batch_size, max_wait_time_ms)
        self._running: Batch | None = None

    def leave(self, batch: Batch) -> bool:
        done = super().leave(batch)
        if done:
            self._running = None
            self._dispatch_due()
        return done

    def _may_dispatch(self) -> bool:
        return self._running is None

    def _on_dispatch(self, batch: Batch) -> None:
        self._running = batch
