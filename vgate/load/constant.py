"""Open loop with equal gaps."""

from collections.abc import Iterator
from itertools import count

from vgate.load.base import OpenLoad


class Constant(OpenLoad):
    """A request every 1 / `rate` seconds, the first at 0. Nothing is random."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    @property
    def offered_rate(self) -> float | None:
        return self.rate

    def offsets_s(self, seed: int) -> Iterator[float]:
        for number in count():
            yield number / self.rate
