"""Every worker in its turn."""

from collections.abc import Sequence

from vgate.routing.base import Hint, Routing
from vgate.workers.worker import Worker


class RoundRobin(Routing):
    """Smooth weighted round robin, as nginx does it: of any requests in a row each worker gets its weight's share.

    Each choice credits every candidate with its weight, takes the one with the most credit, and charges it with what
    all were credited. It takes no notice of how long requests are.
    """

    def __init__(self) -> None:
        self._credit: dict[Worker, float] = {}

    def choose(self, candidates: Sequence[Worker], hint: Hint) -> Worker:
        credit = self._credit
        for worker in candidates:
            credit[worker] = credit.get(worker, 0.0) + worker.weight
        chosen = max(candidates, key=credit.__getitem__)
        credit[chosen] -= sum(worker.weight for worker in candidates)
        return chosen

    def left(self, worker: Worker) -> None:
        self._credit.pop(worker, None)
