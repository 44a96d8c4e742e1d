"""What to measure next, and when enough is known."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from vgate.harness.capacity.evidence import Probe
from vgate.harness.capacity.known import Known

# (rate, requests wanted, windows measured before in this search) -> one window, or None if it could not be measured.
# The last is the window's number, of which its random numbers follow: no two windows of a search have the same ones.
Measure = Callable[[float, int, int], Probe | None]

TRIES = 3  # of a window that cannot be believed or measured, before a sitting gives up
STEPS = 5  # rates lie on a grid with so many steps within the tolerance, so that windows at one rate come together
FAR = 3  # tolerances: with the crossing known no better, it is still being located
GROW = 0.3  # a window is so many times as long as all before it at this rate and near it


@dataclass(frozen=True)
class Goal:
    """What is asked for.

    allowed: share of requests that may miss a limit. tolerance: relative, of the answer.
    first: requests of the shortest window. start, lowest, highest: rates, 1/s. max_seconds: of measuring, in all.
    """

    allowed: float
    tolerance: float
    first: int
    start: float
    lowest: float
    highest: float
    max_seconds: float


@dataclass(frozen=True)
class Found:
    """What is known in the end.

    enough: whether the answer is as exact as was asked for. stopped: why the search ended, in words.
    """

    known: Known
    enough: bool
    stopped: str
    probes: list[Probe]

    @property
    def sent(self) -> int:
        """Requests that it cost, warm-up and drain included."""
        return sum(probe.sent for probe in self.probes)

    @property
    def seconds(self) -> float:
        """Time of measuring that it cost."""
        return sum(probe.seconds for probe in self.probes)


class Seek:
    """One search. It asks only for what follows from earlier answers: with the same answers it asks the same again."""

    def __init__(self, measure: Measure, goal: Goal) -> None:
        self._measure = measure
        self._goal = goal
        self._known = Known(goal.allowed, goal.first)
        self._probes: list[Probe] = []

    def run(self) -> Found:
        """Measure until enough is known or no more can be."""
        rate = self._goal.start
        while True:
            trouble = self._window(rate)
            enough = trouble is None and self._exact()
            stopped = "the answer is as exact as asked" if enough else trouble or self._out_of_reach()
            if stopped:
                return Found(self._known, enough, stopped, self._probes)
            rate = self._next()

    def _window(self, rate: float) -> str | None:
        """Measure at `rate`; why that cannot be done, in words."""
        wanted = max(self._goal.first, math.ceil(GROW * self._known.around(rate).count))
        trouble = f"at {rate:g}/s nothing could be measured"
        tries = 0
        while tries < TRIES:
            probe = self._measure(rate, wanted, len(self._probes))
            tries += probe is None or not probe.kept
            if probe is None:
                continue
            self._probes.append(probe)
            if not probe.faults:
                self._known = self._known.plus(probe)
                return None
            trouble = f"at {rate:g}/s the measurement may not be believed: {'; '.join(probe.faults)}"
        return trouble

    def _next(self) -> float:
        goal, known = self._goal, self._known
        if not known.bad:
            return min(goal.highest, self._on_grid(2 * max(known.evidence)))
        if not known.good:
            return max(goal.lowest, self._on_grid(min(known.evidence) / 2))
        found = known.crossing
        assert found is not None  # something looks good and something bad
        if found.high > found.low * (1 + goal.tolerance) ** FAR:
            return self._on_grid(found.rate)
        turn = (found.low, found.rate, found.high)[len(self._probes) % 3]  # apart, for the slope; amid, for a cliff
        rate = self._on_grid(turn)
        overloaded = rate in known.evidence and known.evidence[rate].overloaded
        return self._on_grid(found.low) if overloaded else rate

    def _exact(self) -> bool:
        """Whether a tolerance below the answer the targets are surely met, and a tolerance above surely missed."""
        found, passed, failed = self._known.crossing, self._known.passed, self._known.failed
        if found is None or passed is None or failed is None:
            return False
        wide = 1 + self._goal.tolerance
        return passed >= found.rate / wide and failed <= found.rate * wide

    def _out_of_reach(self) -> str | None:
        known, goal = self._known, self._goal
        if not known.good and min(known.evidence) <= goal.lowest and known.failed is not None:
            return f"the targets are missed even at {min(known.evidence):g}/s, so it is not the rate that matters"
        if not known.bad and max(known.evidence) >= goal.highest and known.passed == max(known.evidence):
            return f"the targets are met at {max(known.evidence):g}/s, and capacity.highest_rate forbids higher ones"
        spent = sum(probe.seconds for probe in self._probes)
        return f"{spent / 60:.1f} minutes were measured" if spent >= goal.max_seconds else None

    def _on_grid(self, rate: float) -> float:
        """The nearest rate of the grid, in four digits, so that it can be written down."""
        step = 1 + self._goal.tolerance / STEPS
        return float(f"{self._goal.start * step ** round(math.log(rate / self._goal.start, step)):.4g}")
