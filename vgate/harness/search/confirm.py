"""Whether the best of many is better, or was only lucky: measured again, beside the command line as it stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from vgate.harness.cells import Cell
from vgate.harness.comparing.decision import too_many
from vgate.harness.interval import paired_interval

FIRST_ROUND = 1000  # so that no seed of the search comes again
CONFIDENCE = 0.95

Measure = Callable[[Cell], float | None]  # the metric; None: could not be measured, or INVALID


@dataclass(frozen=True)
class Confirmed:
    """A candidate beside the baseline, over the same fresh rounds.

    value, baseline: means over the rounds that both have. interval: of the mean difference; None below three rounds.
    searched: what the search had seen of it. measured: how many rounds were tried.
    lost, baseline_lost: in how many of them it, and the baseline, FAILED or was INVALID.
    """

    label: str
    value: float | None
    baseline: float | None
    interval: tuple[float, float] | None
    rounds: int
    searched: float
    measured: int
    lost: int
    baseline_lost: int

    @property
    def decided(self) -> bool:
        """Whether the rounds may decide: there is an interval, and not too many of them were left out."""
        return self.interval is not None and not too_many(self.measured - self.rounds, self.measured)

    @property
    def better(self) -> bool:
        """Surely better than the baseline."""
        return self.decided and self.interval is not None and self.interval[0] > 0


def confirm(baseline: Cell, candidates: Sequence[tuple[Cell, float]], rounds: int, measure: Measure) -> list[Confirmed]:
    """Measure all in rounds, best first. Each candidate comes with what the search saw of it.

    Every other round runs backwards: a drift of the machine hits all alike, and an engine is not restarted between two
    rounds. With several candidates their intervals hold together at 95 % (Bonferroni).
    """
    cells = sorted([baseline, *(cell for cell, _ in candidates)], key=lambda cell: cell.engine_hash)
    values: dict[str, dict[int, float]] = {cell.config_hash: {} for cell in cells}
    for number in range(rounds):
        for cell in reversed(cells) if number % 2 else cells:
            value = measure(again(cell, FIRST_ROUND + number))
            if value is not None:
                values[cell.config_hash][number] = value
    level = 1 - (1 - CONFIDENCE) / max(1, len(candidates))
    base = values[baseline.config_hash]
    found = [_confirmed(cell.label, values[cell.config_hash], base, level, seen, rounds) for cell, seen in candidates]
    return sorted(found, key=lambda one: one.value if one.value is not None else float("-inf"), reverse=True)


def again(cell: Cell, number: int) -> Cell:
    """The same cell in another round."""
    return Cell(cell.axes, cell.container, cell.settings, number)


def _confirmed(
    label: str, values: dict[int, float], base: dict[int, float], level: float, searched: float, rounds: int
) -> Confirmed:
    shared = sorted(values.keys() & base.keys())
    return Confirmed(
        label,
        fmean(values[number] for number in shared) if shared else None,
        fmean(base[number] for number in shared) if shared else None,
        paired_interval(values, base, level),
        len(shared),
        searched,
        rounds,
        rounds - len(values),
        rounds - len(base),
    )
