"""Open loop with gamma-distributed gaps."""

from collections.abc import Iterator

from vgate.load.base import OpenLoad
from vgate.load.draws import Draws


class Gamma(OpenLoad):
    """Arrivals at `rate` requests per second whose gaps are gamma-distributed with shape `burstiness`.

    The squared coefficient of variation of the gaps is 1 / burstiness: 1 is a Poisson process, less comes in bursts,
    more is more even. As `--burstiness` of `vllm bench serve`, without rescaling the schedule afterwards.
    """

    def __init__(self, rate: float, burstiness: float) -> None:
        self.rate = rate
        self.burstiness = burstiness

    @property
    def offered_rate(self) -> float | None:
        return self.rate

    def offsets_s(self, seed: int) -> Iterator[float]:
        draws = Draws(seed, "arrivals")
        offset = 0.0
        while True:
            offset += draws.gamma(self.burstiness) / (self.rate * self.burstiness)
            yield offset
