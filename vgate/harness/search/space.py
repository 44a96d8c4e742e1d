"""The axes of a search, spelt as on a sweep's command line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from vgate.config import tree
from vgate.config.errors import ConfigError, wrong
from vgate.config.inert import without_effect
from vgate.config.layers import parse
from vgate.config.secrets import BLOT
from vgate.config.spelling import shown_value
from vgate.harness.cells import refuse_targets

COMMAND_LINE = "the command line"
Compose = Callable[[list[str]], dict[str, Any]]  # overrides -> resolved configuration; raises ConfigError


@dataclass(frozen=True)
class Axis:
    """One setting that the search may choose.

    choices: the values, spelt as for the command line; empty where the axis is the numbers from `low` to `high`.
    whole: only whole numbers, in steps of `step`. log: differences count by their ratio.
    """

    key: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    step: int = 1
    log: bool = False

    @property
    def is_group(self) -> bool:
        """Whether it chooses an option, on which depends which keys there are."""
        return self.key in tree.groups()

    @property
    def ends(self) -> tuple[str, ...]:
        """Values that are right or wrong as all between them are."""
        return self.choices or (spelt(self.low, self.whole), spelt(self.high, self.whole))


def spelt(value: float, whole: bool) -> str:
    """A number of an axis; four digits are as fine as any measurement can tell."""
    return str(int(value)) if whole else f"{value:.4g}"


def read_axes(overrides: list[str]) -> tuple[list[str], list[Axis]]:
    """What is fixed, and the axes, groups first. Raises ConfigError."""
    parsed = list(zip(overrides, parse(overrides), strict=True))
    fixed = [text for text, override in parsed if not override.is_sweep_override()]
    axes = [_axis(override) for _, override in parsed if override.is_sweep_override()]
    refuse_targets(axis.key for axis in axes)
    if not axes:
        raise ConfigError("nothing to search: at least one key needs several values, as in batch=lockstep,time_window")
    return fixed, sorted(axes, key=lambda axis: not axis.is_group)


def applies(axis: Axis, container: dict[str, Any]) -> bool:
    """Whether the axis makes a difference in this configuration: its key is there, and its component looks at it."""
    if axis.is_group:
        return True
    section, *path = axis.key.split(".")
    inside: Any = container.get(section)
    if path and path[0] in without_effect(inside):
        return False
    for name in path:
        if not isinstance(inside, dict) or name not in inside:
            return False
        inside = inside[name]
    return True


def check(fixed: list[str], axes: list[Axis], compose: Compose) -> None:
    """Raise ConfigError for an axis that makes no difference anywhere and for values that are not allowed."""
    combinations = [compose([*fixed, *chosen]) for chosen in _group_choices(axes)]
    for axis in axes:
        places = [i for i, container in enumerate(combinations) if applies(axis, container)]
        chosen = _group_choices(axes)[places[0] if places else 0]
        for value in axis.ends:
            if not axis.is_group:
                compose([*fixed, *chosen, f"{axis.key}={value}"])
        if not places:
            raise wrong(
                axis.key, ",".join(axis.ends), COMMAND_LINE, "has no effect in any of the combinations asked for"
            )


def _group_choices(axes: list[Axis]) -> list[list[str]]:
    groups = [[f"{axis.key}={choice}" for choice in axis.choices] for axis in axes if axis.is_group]
    return [list(chosen) for chosen in product(*groups)]


def _axis(override: Override) -> Axis:
    key, value = override.key_or_group, override.value()
    if isinstance(value, IntervalSweep):
        return _interval(override, value)
    if isinstance(value, RangeSweep) and isinstance(numbers := value.range(), range) and numbers.step > 0:
        if not numbers:
            raise wrong(key, override.get_value_string(), COMMAND_LINE, "holds no number")
        return Axis(key, low=numbers[0], high=numbers[-1], whole=True, step=numbers.step)
    choices = tuple(dict.fromkeys(_strings(override)))
    if any(shown_value(f"{key}={choice}") != choice for choice in choices):
        raise wrong(key, BLOT, COMMAND_LINE, "what is secret cannot be searched, for a search keeps it")
    return Axis(key, choices)


def _strings(override: Override) -> Iterator[str]:
    return map(str, override.sweep_string_iterator())


def _interval(override: Override, value: IntervalSweep) -> Axis:
    key, low, high = override.key_or_group, value.start, value.end
    assert low is not None  # Hydra's grammar has two ends
    assert high is not None
    log = "log" in value.tags
    if not low < high or (log and low <= 0):
        why = "the second number must be above the first" if not log else "the numbers must be above 0 and ascend"
        raise wrong(key, override.get_value_string(), COMMAND_LINE, why)
    whole = isinstance(low, int) and isinstance(high, int)
    return Axis(key, low=low, high=high, whole=whole, log=log)
