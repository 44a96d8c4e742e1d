"""Admit every request at once."""

from vgate.batch.base import BatchStrategy
from vgate.types import Batch


class Passthrough(BatchStrategy):
    """No waiting: the engine's continuous batching alone decides. Size and wait time have no effect."""

    async def enter(self) -> Batch:
        return self._new_batch(1)
