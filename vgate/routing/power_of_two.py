"""The less loaded of two workers drawn at random."""

import random
from collections.abc import Sequence

from vgate.routing.base import Hint, Routing
from vgate.workers.worker import Worker


class PowerOfTwo(Routing):
    """Two different candidates are drawn by weight; the one with fewer requests in flight over weight is chosen.

    Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 2001. Where several gateways share
    workers and each knows only its own requests, they do not all go for the same one.
    """

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311  balances load

    def choose(self, candidates: Sequence[Worker], hint: Hint) -> Worker:
        if len(candidates) == 1:
            return candidates[0]
        one = self._draw(candidates)
        other = self._draw([worker for worker in candidates if worker is not one])
        return min(one, other, key=lambda worker: (worker.in_flight + 1) / worker.weight)

    def _draw(self, candidates: Sequence[Worker]) -> Worker:
        return self._rng.choices(candidates, [worker.weight for worker in candidates])[0]
