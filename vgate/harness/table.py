"""A run as a table for the terminal."""

import math
from collections.abc import Sequence
from typing import Any

from vgate.harness.results import Run

# Column of the summary -> heading, digits.
COLUMNS = {
    "requests": ("requests", 0),
    "goodput_per_s": ("good/s", 2),
    "attainment": ("good %", 1),
    "output_tokens_per_s": ("tokens/s", 1),
    "ttft_ms_p50": ("TTFT p50 ms", 1),
    "ttft_ms_p95": ("p95", 1),
    "ttft_ms_p99": ("p99", 1),
    "tpot_ms_p50": ("TPOT p50 ms", 2),
    "tpot_ms_p95": ("p95", 2),
    "errors": ("errors", 0),
}
# Of results whose intended times are not known: what counts from the send, under its own name.
SERVICE = {column.replace("ttft_ms", "ttft_service_ms"): shown for column, shown in COLUMNS.items()}
SERVICE["ttft_service_ms_p50"] = ("TTFT service p50 ms", 1)
REFUSED = "n<"  # shown in place of a percentile that is refused
LEGEND = {
    REFUSED: f"{REFUSED}: too few samples for this percentile, or too many requests without an answer",
    "±": "±: the wider side of the 95 % interval of this one run",
}


def table(run: Run) -> str:
    """One line per cell, best goodput first within valid and INVALID cells; reasons and failures below."""
    results = sorted(run.results, key=lambda r: (bool(r.invalid), -r.numbers["goodput_per_s"]))
    columns = columns_of(run)
    head = ["configuration", *(heading for heading, _ in columns.values()), ""]
    lines = [[name(r.about), *cells(r.numbers, columns), "INVALID" if r.invalid else ""] for r in results]
    return "\n".join([*_aligned([head, *lines]), *_legend(lines), *problems(run), *run.unchecked])


def _legend(lines: list[list[str]]) -> list[str]:
    shown = "".join(text for line in lines for text in line[1:])
    return [words for mark, words in LEGEND.items() if mark in shown]


def problems(run: Run) -> list[str]:
    """Why cells are INVALID or missing, a line each."""
    invalid = [f"INVALID: {name(r.about)}: {reason}" for r in run.results for reason in r.invalid]
    return invalid + [f"FAILED: {name(failure)}: {failure['reason']}" for failure in run.failed]


def name(about: dict[str, Any]) -> str:
    """A cell's axes in one line, and its round where that is not the first."""
    axes = " ".join(f"{key}={value}" for key, value in about["axes"].items()) or "the trial"
    return f"{axes} (round {about['round'] + 1})" if about["round"] else axes


def columns_of(run: Run) -> dict[str, tuple[str, int]]:
    """COLUMNS, or SERVICE where the run tells no intended time."""
    return SERVICE if run.imported and "ttft_ms" in run.imported["absent"] else COLUMNS


def cells(numbers: dict[str, Any], columns: dict[str, tuple[str, int]]) -> list[str]:
    """The numbers of these columns, written out, with the wider side of their 95 % intervals where they have one."""
    return [
        written(column, numbers[column], digits) + _margin(numbers, column, digits)
        for column, (_, digits) in columns.items()
    ]


def written(column: str, value: float | None, digits: int) -> str:
    """A number as shown to people; a refused or undefined one as a mark."""
    if value is None:
        return REFUSED
    if math.isnan(value):
        return "-"
    return f"{value * _scale(column):.{digits}f}"


def _margin(numbers: dict[str, Any], column: str, digits: int) -> str:
    value, low, high = (numbers.get(f"{column}{end}") for end in ("", "_low", "_high"))
    if value is None or low is None or high is None:
        return ""
    return f" ±{max(value - low, high - value) * _scale(column):.{digits}f}"


def _scale(column: str) -> int:
    return 100 if column == "attainment" else 1


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
