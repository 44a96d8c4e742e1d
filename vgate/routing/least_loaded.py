"""The worker with the fewest requests in flight."""

from collections.abc import Sequence

from vgate.routing.base import Hint, Routing
from vgate.workers.worker import Worker


class LeastLoaded(Routing):
    """Requests in flight over weight, the new one included; of several that are equal, who was chosen longest ago."""

    def __init__(self) -> None:
        self._chosen: dict[Worker, int] = {}
        self._count = 0

    def choose(self, candidates: Sequence[Worker], hint: Hint) -> Worker:
        before = self._chosen
        chosen = min(candidates, key=lambda worker: ((worker.in_flight + 1) / worker.weight, before.get(worker, 0)))
        self._count += 1
        before[chosen] = self._count
        return chosen

    def left(self, worker: Worker) -> None:
        self._chosen.pop(worker, None)
