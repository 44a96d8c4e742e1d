"""The lines of a report's tables."""

from dataclasses import dataclass
from math import nan
from typing import Any

from vgate.harness.configurations import Configuration
from vgate.harness.layout import CELL, CONFIG, GAUGES, REQUESTS, SERVER
from vgate.harness.results import Result, Run
from vgate.harness.standing import VALID, state
from vgate.harness.table import name, written

DIGITS = {"_per_s": 2, "_ms_": 2, "attainment": 1, "share": 3, "cpu": 3, "known": 3}


@dataclass(frozen=True)
class Line:
    """A configuration in the table of numbers. states: of its rounds, but VALID; cells: (column, text, margin)."""

    id: str
    label: str
    classic: bool
    states: list[str]
    cells: list[tuple[str, str, str]]
    dead: bool  # no round of it is valid: its numbers are shown, and not to be used


def line(one: Configuration, number: int, columns: dict[str, tuple[str, int]]) -> Line:
    """Means over the valid rounds; of a configuration without any, the first round's numbers."""
    found = [state(result) for result in one.results]
    states = [f"{name} {found.count(name)}/{len(found)}" if len(found) > 1 else name for name in dict.fromkeys(found)]
    first = one.results[0].numbers
    values = {column: one.value(column) if one.valid else first[column] for column in columns}
    values |= {column: nan for column in columns if one.absent(column)}
    cells = [
        (column, written(column, values[column], digits), _margin(one, column, digits))
        for column, (_, digits) in columns.items()
    ]
    shown = [text for text in states if not text.startswith(VALID)]
    return Line(f"k{number}", one.label, one.classic, shown, cells, not one.valid)


def _margin(one: Configuration, column: str, digits: int) -> str:
    """The wider side of the interval, with its sign; empty where there is none."""
    value, interval = one.value(column), one.interval(column)
    if value is None or interval is None:
        return ""
    return f"±{written(column, max(value - interval[0], interval[1] - value), digits)}"


@dataclass(frozen=True)
class Detail:
    """All there is on a configuration.

    rounds:  folder, files and state of each.
    numbers: (column, text and interval of each round, mean, interval).
    changes: its settings where they differ from the first configuration's; config: all of them, of the first alone.
    """

    id: str
    label: str
    rounds: list[dict[str, Any]]
    numbers: list[tuple[str, list[tuple[str, str]], str, str]]
    changes: dict[str, str]
    config: dict[str, Any] | None


def detail(one: Configuration, number: int, first: Configuration, run: Run) -> Detail:
    """The full settings are given once, for the first configuration."""
    config = one.results[0].config
    changes = differences(first.results[0].config, config) if number else {}
    columns = list(one.results[0].estimates)
    rounds = [_round(result, run) for result in one.results]
    return Detail(
        f"k{number}", one.label, rounds, [_numbers(one, column) for column in columns], changes,
        None if number else config,
    )  # fmt: skip


def said(result: Result) -> list[dict[str, str]]:
    """The numbers that an imported file gives itself, beside ours of the same rows."""
    told = result.imported["said"] if result.imported else []
    return [
        {
            "benchmark": name(result.about),
            "word": one["word"],
            "ours": one["ours"],
            "theirs": f"{one['value']:.2f}",
            "found": written(one["ours"], result.numbers[one["ours"]], 2),
        }
        for one in told
    ]


def differences(a: dict[str, Any], b: dict[str, Any]) -> dict[str, str]:
    """Dotted key -> "value in a -> value in b", for what differs."""
    left, right = dict(flat(a)), dict(flat(b))
    keys = [key for key in {**left, **right} if left.get(key, "absent") != right.get(key, "absent")]
    return {key: f"{left.get(key, 'absent')} → {right.get(key, 'absent')}" for key in keys}


def flat(content: Any, path: str = "") -> list[tuple[str, Any]]:
    """Nested dicts as (dotted key, value)."""
    if not isinstance(content, dict) or not content:
        return [(path, content)]
    return [pair for key, value in content.items() for pair in flat(value, f"{path}.{key}" if path else str(key))]


def _round(result: Result, run: Run) -> dict[str, Any]:
    folder = result.folder.relative_to(run.path).as_posix()
    files = [f"{folder}/{name}" for name in (REQUESTS, SERVER, GAUGES, CONFIG, CELL) if (result.folder / name).exists()]
    about, attempts = result.about, run.attempts.get(result.folder.name, 0)
    return {
        "number": about["round"] + 1,
        "folder": folder,
        "files": files,
        "state": state(result) + (f" at attempt {attempts + 1}" if attempts else ""),
        "reasons": result.invalid,
        "started": about["started_utc"],
        "seconds": result.window.seconds,
    }


def _numbers(one: Configuration, column: str) -> tuple[str, list[tuple[str, str]], str, str]:
    absent, digits = one.absent(column), _digits(column)
    each = [_round_text(result, column, absent, digits) for result in one.results]
    mean = written(column, nan if absent else one.value(column), digits) if one.valid else ""
    return column, each, mean, _ends(column, one.interval(column), digits)


def _round_text(result: Result, column: str, absent: bool, digits: int) -> tuple[str, str]:
    """The value, and its interval or why there is none."""
    found = result.estimates[column]
    text = written(column, nan if absent else found.value, digits)
    return text, _ends(column, found.interval, digits) or (found.why or "")


def _ends(column: str, interval: tuple[float, float] | None, digits: int) -> str:
    return " to ".join(written(column, end, digits) for end in interval) if interval else ""


def _digits(column: str) -> int:
    return next((digits for part, digits in DIGITS.items() if part in column), 0)
