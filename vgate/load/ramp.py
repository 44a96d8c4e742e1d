"""Open loop with a rate that rises or falls."""

import math
from collections.abc import Iterator

from vgate.load.base import OpenLoad
from vgate.load.draws import Draws


class Ramp(OpenLoad):
    """Poisson arrivals at `start_rate` requests per second for `delay_s`, then at a rate that changes linearly.

    After `over_s` more seconds it is `end_rate`, and stays there.
    """

    def __init__(self, start_rate: float, end_rate: float, delay_s: float, over_s: float) -> None:
        self.start_rate = start_rate
        self.end_rate = end_rate
        self.delay_s = delay_s
        self.over_s = over_s

    @property
    def offered_rate(self) -> float | None:
        """While it changes."""
        return (self.start_rate + self.end_rate) / 2

    def offsets_s(self, seed: int) -> Iterator[float]:
        """A Poisson process of rate 1, its time stretched: what is due at t is the integral of the rate up to t."""
        draws = Draws(seed, "arrivals")
        due = 0.0
        while True:
            due += draws.exponential()
            yield self._when(due)

    def _when(self, due: float) -> float:
        """The moment up to which `due` requests are expected."""
        before = self.start_rate * self.delay_s
        if due < before:
            return due / self.start_rate
        rising = due - before
        held = rising - self.over_s * (self.start_rate + self.end_rate) / 2
        if held > 0:
            return self.delay_s + self.over_s + held / self.end_rate
        slope = (self.end_rate - self.start_rate) / self.over_s
        # The root of start * t + slope / 2 * t^2 = rising, in the form that also holds for a slope of zero.
        root = math.sqrt(max(0.0, self.start_rate * self.start_rate + 2 * slope * rising))
        return self.delay_s + 2 * rising / (self.start_rate + root)
