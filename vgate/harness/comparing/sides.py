"""From a command line to the two configurations that are compared."""

import shlex
from dataclasses import dataclass, replace
from typing import Any

from vgate.config.errors import ConfigError, wrong
from vgate.config.layers import parse
from vgate.config.spelling import shown_value
from vgate.harness.cells import Cell, digest, expand

SIDES = ("A", "B")
# What decides which requests are sent, and when: where these differ, A and B are asked different questions.
ASKED = ("load", "workload", "trial", "slo")


@dataclass(frozen=True)
class Sides:
    """Two configurations, each as the first cell of a run.

    names: what is set for each on the command line, API keys blotted out.
    """

    a: Cell
    b: Cell
    names: tuple[str, str]

    def cell(self, side: str, pair: int) -> Cell:
        """One side's cell of a pair. Both of a pair have one seed, so both are asked the same questions."""
        return replace(self.a if side == SIDES[0] else self.b, side=side, round=pair)

    @property
    def run_name(self) -> str:
        """The run's folder: the same for the same two configurations in the same order."""
        name = self.a.settings.trial.name
        return f"{name}-compare-{digest([self.a.config_hash, self.b.config_hash])[:8]}"

    @property
    def one_engine(self) -> bool:
        """Whether one engine start can serve both."""
        return self.a.engine_hash == self.b.engine_hash

    @property
    def same_in_effect(self) -> bool:
        """Whether nothing that differs between them can make a difference."""
        return self.a.effective_hash == self.b.effective_hash

    @property
    def asked_differently(self) -> list[str]:
        """The sections by which they are not asked the same."""
        return [section for section in ASKED if self.a.container.get(section) != self.b.container.get(section)]


def read_sides(a: str, b: str, common: list[str]) -> Sides:
    """A and B are settings as on a command line, each quoted into one word; they win over the common ones.

    Raises ConfigError before anything starts.
    """
    first, second = (_side(side, text, common) for side, text in zip(SIDES, (a, b), strict=True))
    return Sides(first, second, (_name(first), _name(second)))


def _side(side: str, text: str, common: list[str]) -> Cell:
    own = _words(side, text)
    cells = expand([*common, *own], multirun=False)
    if len({cell.config_hash for cell in cells}) > 1:
        raise ConfigError(f"{side} (from the command line) is a sweep; a comparison takes two configurations")
    trial = cells[0].settings.trial
    if trial.rounds != 1:
        why = "a comparison finds out how many it needs; see --max-rounds"
        raise wrong("trial.rounds", trial.rounds, "the settings", why)
    return replace(cells[0], axes={"side": side, **_axes(own)})


def _words(side: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"{side} (from the command line) cannot be read: {error}") from None


def _axes(overrides: list[str]) -> dict[str, Any]:
    return {
        override.key_or_group: shown_value(text) for text, override in zip(overrides, parse(overrides), strict=True)
    }


def _name(cell: Cell) -> str:
    return " ".join(f"{key}={value}" for key, value in cell.axes.items() if key != "side") or "the common settings"
