"""Workers that the configuration names."""

from collections.abc import AsyncGenerator, Sequence

from vgate.workers.source import Source
from vgate.workers.worker import WorkerSpec


class Static(Source):
    """One list, which does not change."""

    def __init__(self, specs: Sequence[WorkerSpec]) -> None:
        self._specs = specs

    async def watch(self) -> AsyncGenerator[Sequence[WorkerSpec], None]:
        yield self._specs
