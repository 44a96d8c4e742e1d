"""Prompts that come again."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from vgate.load.draws import Draws, exp, ln
from vgate.workload.base import Question, Slot
from vgate.workload.synthetic import Synthetic


@dataclass(frozen=True, kw_only=True)
class Zipf(Synthetic):
    """Synthetic chats of which some come from a fixed pool, the r-th of it in proportion to r^-exponent.

    What a response cache and dedup can live on. A question of the pool is the same to the byte each time.
    """

    repeat_ratio: float
    pool: int
    exponent: float

    def question(self, seed: int, slot: Slot) -> Question:
        draws = Draws(seed, f"repeat:{slot.name}")
        if draws.uniform() < self.repeat_ratio:
            return self.ask(seed, f"repeated{self._rank(draws)}")
        return self.ask(seed, slot.name)

    def _rank(self, draws: Draws) -> int:
        """From 0, the most frequent."""
        return min(bisect_right(self._shares, draws.uniform() * self._shares[-1]), self.pool - 1)

    @cached_property
    def _shares(self) -> list[float]:
        """Running sums of the questions' weights."""
        return list(accumulate(exp(-self.exponent * ln(rank)) for rank in range(1, self.pool + 1)))
