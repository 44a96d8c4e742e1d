"""The hearing: A and B measured in turn, round by round, until a verdict stands or the rounds are used up."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from vgate.harness.cells import Cell
from vgate.harness.comparing.decision import MOST_LEFT_OUT, UNDECIDED, Decision, decide, too_many
from vgate.harness.comparing.metric import Measured, Metric, gain, incomparable, resolution
from vgate.harness.comparing.sides import SIDES, Sides
from vgate.load.seeds import derive

FAILED = "could not be measured"
# Rounds without a pair that may be used, after which no more are tried.
PATIENCE = 2
PAIRS_PER_ROUND = 2


@dataclass(frozen=True)
class Rules:
    """margin: the smallest gain that matters, as ln(1 + share). fixed_order: every round in the order of the first."""

    metric: Metric
    margin: float
    max_rounds: int
    fixed_order: bool = False


@dataclass(frozen=True)
class Pair:
    """A and B, measured one right after the other with one seed. order: which came first, "AB" or "BA"."""

    number: int
    order: str
    a: Measured | None
    b: Measured | None

    @property
    def usable(self) -> bool:
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """Why the pair takes no part in the decision, in words; empty if it does."""
        return [problem for side in SIDES for problem in self.problems_of(side)]

    def problems_of(self, side: str) -> list[str]:
        """Those of one side."""
        return _problems(side, self.a if side == SIDES[0] else self.b)

    def gain(self, metric: Metric) -> float:
        """How much better B was, as `metric.gain`. Of a usable pair."""
        assert self.a is not None  # usable
        assert self.b is not None  # usable
        return gain(metric, self.a, self.b)


@dataclass
class Hearing:
    """What has been measured so far. rounds: how many were begun."""

    rules: Rules
    pairs: list[Pair] = field(default_factory=list)
    rounds: int = 0

    @property
    def used(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair.usable]

    @property
    def left_out(self) -> list[Pair]:
        return [pair for pair in self.pairs if not pair.usable]

    @property
    def decision(self) -> Decision:
        """The verdict on the pairs so far: undecided, whatever they say, where something speaks against using them."""
        return replace(self._by_gains, verdict=UNDECIDED) if self.objections else self._by_gains

    @property
    def objections(self) -> list[str]:
        """Why the pairs that can be used may not decide, in words."""
        refusals = incomparable(self.rules.metric, self._sides, self.rules.margin)
        return [words for words in (self._lost, refusals) if words]

    @property
    def over(self) -> bool:
        """Whether another round could not change anything, or is not to be had.

        More pairs can make up for some that were left out; for requests that one side does not answer they cannot.
        """
        hopeless = self.rounds >= PATIENCE and not self.used
        settled = self._by_gains.verdict != UNDECIDED and not self._lost
        return hopeless or self.rounds >= self.rules.max_rounds or settled

    @property
    def _by_gains(self) -> Decision:
        metric = self.rules.metric
        return decide([pair.gain(metric) for pair in self.used], self.rules.margin, resolution(metric, self._sides))

    @property
    def _sides(self) -> tuple[list[Measured], list[Measured]]:
        return [one.a for one in self.used if one.a], [one.b for one in self.used if one.b]

    @property
    def _lost(self) -> str | None:
        """That too many pairs could not be used, and by whose fault."""
        left_out, total = len(self.left_out), len(self.pairs)
        if not too_many(left_out, total):
            return None
        fault = " and ".join(f"{side} in {sum(bool(p.problems_of(side)) for p in self.pairs)}" for side in SIDES)
        return (
            f"{left_out} of {total} pairs had to be left out, more than {MOST_LEFT_OUT:.0%}, so those that are left"
            f" may be the lucky ones of a side that breaks: {fault}."
        )

    @property
    def failed(self) -> bool:
        """Whether there is no pair to decide by."""
        return self.rounds > 0 and not self.used


def hear(sides: Sides, rules: Rules, measure: Callable[[Cell], Measured | None]) -> Hearing:
    """Measure in rounds of four, ABBA or BAAB as a coin of the seed falls, and look after each.

    A steady drift of the machine cancels within a round; which side it begins with is chance, so nothing that keeps
    time with the rounds can favour one. `measure` returns None for a cell that failed.
    """
    hearing = Hearing(rules)
    while not hearing.over:
        for number, order in _order(sides, hearing.rounds, rules.fixed_order):
            found = {side: measure(sides.cell(side, number)) for side in order}
            hearing.pairs.append(Pair(number, order, found["A"], found["B"]))
        hearing.rounds += 1
    return hearing


def cells(sides: Sides, rules: Rules) -> list[Cell]:
    """Every cell that may come to be measured, in order."""
    pairs = [pair for number in range(rules.max_rounds) for pair in _order(sides, number, rules.fixed_order)]
    return [sides.cell(side, number) for number, order in pairs for side in order]


def _order(sides: Sides, number: int, fixed: bool) -> list[tuple[int, str]]:
    """The pairs of a round: number and order of each."""
    draw = random.Random(derive(sides.a.settings.trial.seed, f"order:{0 if fixed else number}"))  # noqa: S311 -- a coin
    first = draw.choice(("AB", "BA"))
    pair = PAIRS_PER_ROUND * number
    return [(pair, first), (pair + 1, first[::-1])]


def _problems(side: str, measured: Measured | None) -> list[str]:
    if measured is None:
        return [f"{side} {FAILED}"]
    if measured.value is None and not measured.invalid:
        return [f"{side} has no such number: undefined, or refused for only {measured.requests} requests"]
    return [f"{side} is INVALID: {reason}" for reason in measured.invalid]
