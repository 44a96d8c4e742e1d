"""What an engine sees of a batch strategy: who is inside when."""

import asyncio
from collections.abc import Iterable

from tests.admission import enter, open_ticket
from vgate.batch.base import BatchStrategy


class Inside:
    """Runs requests through a strategy and notes (time, batch id, size) as they enter, and batches that overlap."""

    def __init__(self, strategy: BatchStrategy) -> None:
        self.strategy = strategy
        self.entries: list[tuple[float, int, int]] = []
        self.overlaps: set[frozenset[int]] = set()
        self._now: list[int] = []

    async def request(self, stay_s: float, after_s: float = 0.0) -> None:
        await asyncio.sleep(after_s)
        ticket = await enter(self.strategy, open_ticket(self.strategy))
        batch = ticket.batch
        assert batch is not None
        self.entries.append((asyncio.get_running_loop().time(), batch.id, batch.size))
        self._now.append(batch.id)
        if len(set(self._now)) > 1:
            self.overlaps.add(frozenset(self._now))
        try:
            await asyncio.sleep(stay_s)
        finally:
            self._now.remove(batch.id)
            self.strategy.leave(ticket)

    async def all(self, stays_s: Iterable[float]) -> None:
        """All arrive at once."""
        await asyncio.gather(*(self.request(stay_s) for stay_s in stays_s))

    @property
    def batches(self) -> list[tuple[float, int]]:
        """(time, size) of each batch, in order."""
        return [(time, size) for time, _, size in sorted(set(self.entries), key=lambda entry: entry[1])]
