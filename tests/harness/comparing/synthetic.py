"""Measurements drawn from a known truth in place of a server's, for the rest of a comparison to work on."""

import math
import random
from collections.abc import Callable
from functools import cache

from vgate.harness.cells import Cell
from vgate.harness.comparing.metric import METRICS, Measured
from vgate.harness.comparing.sides import Sides, read_sides

LATENCY = METRICS["e2e_ms_p50"]
GOODPUT = METRICS["goodput_per_s"]
Noise = Callable[[random.Random], float]


@cache
def two_alike(seed: int = 0) -> Sides:
    """One configuration against itself."""
    return read_sides("", "", ["+preset=dry_run", f"trial.seed={seed}"])


def measured(value: float | None, **changes: object) -> Measured:
    return Measured(
        value, **{"requests": 100, "seconds": 10.0, "attainment": 1.0, "invalid": (), "cell": "c"} | changes
    )


class Machine:
    """Latencies whose logarithm is the side's truth, plus the machine's drift at that moment, plus noise."""

    def __init__(
        self, slower: float, noise: Noise, seed: int, drift: Callable[[int], float] = lambda _moment: 0.0
    ) -> None:
        self._slower = slower
        self._noise = noise
        self._drift = drift
        self._draw = random.Random(seed)
        self.asked: list[Cell] = []

    def __call__(self, cell: Cell) -> Measured:
        self.asked.append(cell)
        truth = math.log1p(self._slower) if cell.side == "B" else 0.0
        return measured(100 * math.exp(truth + self._drift(len(self.asked)) + self._noise(self._draw)))


def normal(spread: float) -> Noise:
    return lambda draw: draw.gauss(0, spread)


def heavy(spread: float) -> Noise:
    """Mostly quiet, now and then ten times as far off."""
    return lambda draw: draw.gauss(0, spread * (10 if draw.random() < 0.1 else 1))


def stalls(spread: float) -> Noise:
    """Never faster than undisturbed, often a little and sometimes much slower."""
    return lambda draw: draw.expovariate(1 / spread)


def chunks(cells: list[Cell], size: int) -> list[list[Cell]]:
    return [cells[start : start + size] for start in range(0, len(cells), size)]
