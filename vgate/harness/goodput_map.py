"""The metric that decides over the two main axes of a run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from vgate.harness.asked import asked, identity
from vgate.harness.configurations import Configuration


@dataclass(frozen=True)
class Square:
    """A pair of values. one: the best configuration with them, None where none was measured; value: None if INVALID."""

    one: Configuration | None
    value: float | None
    share: float  # of the best value of the map that was asked the same, for its colour


@dataclass(frozen=True)
class Map:
    """rows and columns: the values of two axes, as on the command line. others: axes over which the best is taken."""

    row_axis: str
    column_axis: str
    columns: list[str]
    rows: list[tuple[str, list[Square]]]
    others: list[str]


def goodput_map(found: Sequence[Configuration], metric: str) -> Map | None:
    """The main axes are those by which what is asked differs, then those with the most values, then the first named.

    None with fewer than two axes; and where three of them change what is asked, for then a square would hold numbers
    that cannot be compared.
    """
    values = {axis: _values(found, axis) for axis in dict.fromkeys(key for one in found for key in one.axes)}
    swept = [axis for axis in values if len(values[axis]) > 1]
    if len(swept) < 2:
        return None
    asking = [axis for axis in swept if _asks(found, axis)]
    if len(asking) > 2:
        return None
    main = sorted(swept, key=lambda axis: (axis in asking, len(values[axis])), reverse=True)[:2]
    down, across = sorted(main, key=lambda axis: len(values[axis]))  # more go across: a table scrolls sideways
    best = _best(found, metric)
    rows = [(y, [_square(found, {across: x, down: y}, metric, best) for x in values[across]]) for y in values[down]]
    return Map(down, across, values[across], rows, [axis for axis in swept if axis not in main])


def number(text: str) -> float | None:
    """A value of the command line as a number; None if it is none."""
    value: Any = yaml.safe_load(text)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _values(found: Sequence[Configuration], axis: str) -> list[str]:
    """In numeric order, or else as they were given."""
    given = list(Counter(one.axes[axis] for one in found if axis in one.axes))
    numbers = {text: number(text) for text in given}
    return sorted(given, key=lambda text: numbers[text] or 0.0) if None not in numbers.values() else given


def _asks(found: Sequence[Configuration], axis: str) -> bool:
    """Whether configurations that differ in this axis alone were asked different things."""
    questions: dict[tuple[tuple[str, str], ...], set[str]] = {}
    for one in found:
        rest = tuple((key, text) for key, text in one.axes.items() if key != axis)
        questions.setdefault(rest, set()).add(_question(one))
    return any(len(several) > 1 for several in questions.values())


def _question(one: Configuration) -> str:
    return identity(asked(one.results[0]))


def _best(found: Sequence[Configuration], metric: str) -> dict[str, float]:
    """Question -> the best value of those that were asked it."""
    best: dict[str, float] = {}
    for one in found:
        if (value := one.value(metric)) is not None:
            best[_question(one)] = max(value, best.get(_question(one), 0.0))
    return best


def _square(found: Sequence[Configuration], wanted: dict[str, str], metric: str, best: dict[str, float]) -> Square:
    """`found` is sorted, so the first that fits is the best."""
    fitting = [one for one in found if wanted.items() <= one.axes.items()]
    if not fitting:
        return Square(None, None, 0.0)
    value = fitting[0].value(metric)
    return Square(fitting[0], value, value / best[_question(fitting[0])] if value else 0.0)
