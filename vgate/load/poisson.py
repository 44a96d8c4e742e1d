"""Open loop with exponential gaps."""

from collections.abc import Iterator

from vgate.load.base import OpenLoad
from vgate.load.draws import Draws


class Poisson(OpenLoad):
    """A Poisson process of `rate` requests per second.

    Gaps are not capped and the schedule is not rescaled to the window, so a window of T seconds holds
    rate * T requests only on average (standard deviation: its square root).
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate

    @property
    def offered_rate(self) -> float | None:
        return self.rate

    def offsets_s(self, seed: int) -> Iterator[float]:
        draws = Draws(seed, "arrivals")
        offset = 0.0
        while True:
            offset += draws.exponential() / self.rate
            yield offset
