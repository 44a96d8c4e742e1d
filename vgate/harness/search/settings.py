"""From a command line to the cells of a search."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vgate.config import compose
from vgate.config.bench_schema import BenchSettings
from vgate.config.check import validate
from vgate.config.seek_schema import SearchSettings
from vgate.harness.cells import Cell, digest
from vgate.harness.search.space import Axis, applies, check, read_axes


@dataclass(frozen=True)
class Space:
    """fixed: overrides of every trial. baseline: the command line without its axes, with what the axes are there."""

    fixed: list[str]
    axes: list[Axis]
    settings: SearchSettings
    baseline: Cell

    @property
    def run_name(self) -> str:
        """The run's folder: the same for the same axes, however many trials are asked for."""
        spelt = [self.baseline.config_hash, *sorted(map(repr, self.axes))]
        return f"{self.settings.trial.name}-{digest(spelt)[:8]}"

    def options(self, picks: Mapping[str, str]) -> dict[str, Any]:
        """The resolved configuration with these options and values; raises ConfigError."""
        return _container([*self.fixed, *_overrides(picks)])

    def cell(self, picks: Mapping[str, str]) -> Cell:
        """The cell of a trial; raises ConfigError."""
        return _cell(dict(picks), self.options(picks))


def read_space(overrides: list[str]) -> Space:
    """The space of a command line, every axis checked at its ends; raises ConfigError."""
    fixed, axes = read_axes(overrides)
    settings = compose("search", fixed).settings
    assert isinstance(settings, SearchSettings)  # what compose gives for "search"
    check(fixed, axes, _container)
    container = _container(fixed)
    current = {axis.key: _value(axis, container) for axis in axes if applies(axis, container)}
    return Space(fixed, axes, settings, _cell(current, container))


def _container(overrides: list[str]) -> dict[str, Any]:
    """As the bench resolves it, without the search's own section."""
    container = compose("search", overrides).container
    return {section: value for section, value in container.items() if section != "search"}


def _cell(axes: dict[str, str], container: dict[str, Any]) -> Cell:
    settings = validate("bench", container, {})
    assert isinstance(settings, BenchSettings)  # what validate gives for "bench"
    return Cell(axes, container, settings, 0)


def _overrides(picks: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in picks.items()]


def _value(axis: Axis, container: dict[str, Any]) -> str:
    """What the axis is in a configuration: of a group, its option."""
    value: Any = container
    for name in axis.key.split("."):
        value = value.get(name)
    return str(value["_target_"]).split(".")[2] if isinstance(value, dict) and "_target_" in value else str(value)
