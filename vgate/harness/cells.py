"""From a command line to the cells of a sweep."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

from vgate.config import compose, tree
from vgate.config.bench_schema import BenchSettings
from vgate.config.errors import ConfigError, wrong
from vgate.config.graph import graph_hash as hash_of_graph
from vgate.config.layers import parse, read_command_line
from vgate.config.secrets import without_secrets
from vgate.config.spelling import shown_value, spell
from vgate.harness.baseline import SECTIONS, classic_of
from vgate.harness.costs import Cost, costing
from vgate.harness.effective import effective
from vgate.harness.environment import measuring
from vgate.harness.inputs import input_digests
from vgate.load.seeds import derive


@dataclass(frozen=True)
class Cell:
    """One trial of a sweep: a resolved configuration and a round.

    axes: what distinguishes it from the other cells, as on the command line: {"batch": "lockstep"}; nothing secret.
    side: of a comparison, "A" or "B"; they may be the same configuration and are measured each for itself.
    notes: what of the configuration has no effect, a line each.

    The hashes stand in names and files of a run. Of what is secret they say whether it is there, and not what it is:
    a password could be guessed from them.
    """

    axes: dict[str, str]
    container: dict[str, Any]
    settings: BenchSettings
    round: int
    side: str = ""
    notes: tuple[str, ...] = ()

    @property
    def seed(self) -> int:
        """Cells of one round share it, so they are asked the same questions."""
        return derive(self.settings.trial.seed, f"round:{self.round}")

    @cached_property
    def config_hash(self) -> str:
        """Equal for cells that differ in nothing but the round: measured alike, and held to the same targets."""
        return digest([self._measured(self.container), self.container["slo"]])

    def _measured(self, container: dict[str, Any]) -> dict[str, Any]:
        """All that decides what is measured, but for the round."""
        around = {"inputs": self.inputs, "environment": measuring(os.environ)}
        settings = costing(without_secrets(container), Cost.CLIENT)
        return settings | {name: content for name, content in around.items() if content}

    @cached_property
    def inputs(self) -> dict[str, str]:
        """Digests of the files that load and engine are made from, as they were when the cell was planned."""
        return input_digests(self.container)

    @cached_property
    def key(self) -> str:
        """By which a finished cell is recognised, in whatever run; other targets are no other measurement."""
        return digest([self._measured(self.container), self.round, *self.side])

    @cached_property
    def engine_hash(self) -> str:
        """Equal for cells that one engine start can serve."""
        return digest(costing(without_secrets(self.container), Cost.RESTART))

    @cached_property
    def effective_hash(self) -> str:
        """Equal for cells whose settings cannot make a difference: measurements of the same thing."""
        return digest([self._measured(effective(self.container)), self.container["slo"]])

    @property
    def graph_hash(self) -> str:
        """What `vgate.serve` logs when it starts with this configuration."""
        return hash_of_graph(self.settings)

    @property
    def label(self) -> str:
        """The axes in one line."""
        return " ".join(f"{key}={value}" for key, value in self.axes.items()) or self.settings.trial.name


def digest(content: Any) -> str:
    """SHA-256 of plain data, independent of the order of its keys; 16 hexadecimal digits of it."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def expand(overrides: list[str], multirun: bool) -> list[Cell]:
    """The cells of a command line, combination by combination; `vgate.harness.order` says which is measured when.

    Where a group is swept, keys that some of its options have and others have not are set where they exist:
    `cache=none,lru cache.maxsize=10,1000` are three cells. Raises ConfigError before anything starts.
    """
    swept = _add_experiment(overrides, multirun)
    combinations = _without_moot(_combinations(swept), _axes(swept))
    refuse_targets(_axes(swept))
    made = [cell for combination in combinations for cell in _rounds(combination, _axes(swept))]
    if multirun and made[0].settings.trial.baseline:
        made = [*_baselines(combinations, _axes(swept)), *made]  # the last of equal ones stays, under its own name
    return list({cell.key: cell for cell in made}.values())  # a value given twice is measured once


def _baselines(combinations: list[list[str]], axes: set[str]) -> list[Cell]:
    """The original gateway, once for each model, engine and load of the sweep."""
    own = {axis for axis in axes if axis.partition(".")[0] not in SECTIONS}
    different = dict.fromkeys(tuple(classic_of(combination)) for combination in combinations)
    cells = [cell for overrides in different for cell in _rounds(list(overrides), own)]
    return [replace(cell, axes={**cell.axes, "baseline": "classic"}) for cell in cells]


def single(overrides: list[str], axes: dict[str, str], number: int = 0) -> Cell:
    """The cell of a command line without a sweep. `axes`: what to call it; `number`: its round. Raises ConfigError."""
    composed = compose("bench", overrides)
    assert isinstance(composed.settings, BenchSettings)  # what compose gives for "bench"
    return Cell(axes, composed.container, composed.settings, number, notes=tuple(composed.notes))


def refuse_targets(axes: Iterable[str]) -> None:
    """Raise ConfigError for an axis of targets: they judge what was measured, and each would measure the same."""
    for axis in axes:
        if axis.partition(".")[0] == "slo":
            told = "targets only judge, so they cannot be swept"
            raise ConfigError(f"{axis} (from the command line): {told}; ask once more with others and trial.reuse=true")


def run_name(cells: list[Cell]) -> str:
    """The run's folder: the same for the same sweep, however many rounds of it are asked for."""
    return f"{cells[0].settings.trial.name}-{digest(sorted({cell.config_hash for cell in cells}))[:8]}"


def _add_experiment(overrides: list[str], multirun: bool) -> list[str]:
    """The overrides and, before them, the axes of the named experiment that they leave open."""
    if not multirun:
        read_command_line(overrides)  # refuses a sweep
    parsed = parse(overrides)
    named = [
        text
        for text, override in zip(overrides, parsed, strict=True)
        if override.key_or_group.partition(".")[0] == "experiment" and not override.is_sweep_override()
    ]
    experiment = single(named, {}).settings.experiment
    if experiment is None:
        return overrides
    taken = {override.key_or_group for override in parsed}
    return [
        f"{key}={','.join(map(spell, values))}" for key, values in experiment.sweep.items() if key not in taken
    ] + overrides


def _combinations(overrides: list[str]) -> list[list[str]]:
    parsed = parse(overrides)
    for override in parsed:
        if override.is_sweep_override() and not override.is_discrete_sweep():
            allowed = "a sweep must list its values: a,b,c or range(...) or choice(...)"
            raise wrong(override.key_or_group, override.get_value_string(), "the command line", allowed)
    (combinations,) = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    return list(combinations)


def _axes(overrides: list[str]) -> set[str]:
    return {override.key_or_group for override in parse(overrides) if override.is_sweep_override()}


def _without_moot(combinations: list[list[str]], axes: set[str]) -> list[list[str]]:
    """Without the keys that a swept group's option lacks in a combination and has in another."""
    groups = axes & set(tree.groups())
    chosen = [_choices(combination, groups) for combination in combinations]
    return [
        [text for text in combination if not _is_moot(text, mine, chosen)]
        for combination, mine in zip(combinations, chosen, strict=True)
    ]


def _choices(combination: list[str], groups: set[str]) -> dict[str, str]:
    """Group -> its option in this combination; one that does not exist is left for `compose` to refuse."""
    picked = {override.key_or_group: str(override.value()) for override in parse(combination)}
    return {group: picked[group] for group in groups if picked[group] in tree.options(group)}


def _is_moot(text: str, mine: dict[str, str], chosen: list[dict[str, str]]) -> bool:
    group, _, rest = text.partition("=")[0].lstrip("+").partition(".")
    key = rest.partition(".")[0]
    if not key or group not in mine or key in tree.option_keys(group, mine[group]):
        return False
    return any(key in tree.option_keys(group, other[group]) for other in chosen if group in other)


def _rounds(combination: list[str], axes: set[str]) -> list[Cell]:
    named = {text.partition("=")[0].lstrip("+"): text for text in combination}
    first = single(combination, {key: shown_value(text) for key, text in named.items() if key in axes})
    return [replace(first, round=number) for number in range(first.settings.trial.rounds)]
