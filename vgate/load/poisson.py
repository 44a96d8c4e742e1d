"""Open loop with exponential gaps."""

import random
from collections.abc import Iterator

from vgate.load.base import Driver, Load
from vgate.load.seeds import derive
from vgate.load.workload import Workload


class Poisson(Load):
    """A Poisson process of `rate` requests per second.

    Gaps are not capped and the schedule is not rescaled to the window, so a window of T seconds holds
    rate * T requests only on average (standard deviation: its square root).
    """

    def __init__(self, rate: float, workload: Workload) -> None:
        super().__init__(workload)
        self.rate = rate

    @property
    def offered_rate(self) -> float | None:
        return self.rate

    def drive(self, driver: Driver, seed: int) -> None:
        driver.run_schedule(self.offsets_s(seed))

    def offsets_s(self, seed: int) -> Iterator[float]:
        """Arrival times in seconds from the start, ascending, endless."""
        draw = random.Random(derive(seed, "arrivals"))  # noqa: S311 -- seeded randomness is the point
        offset = 0.0
        while True:
            offset += draw.expovariate(self.rate)
            yield offset
