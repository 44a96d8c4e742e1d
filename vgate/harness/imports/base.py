"""What an importer makes of another tool's file."""

from dataclasses import dataclass, field
from typing import Any

# Numbers that count from the intended time; a file that does not tell it has none of them.
FROM_INTENDED = ("ttft_ms", "e2e_ms", "lag_ms", "goodput_per_s", "attainment", "offered_per_s")
FROM_TOKENS = ("itl",)
# The error of a request that the tool itself ended, as its time was up: offered, not good, and no fault of the server.
CUT_OFF = "cut off by the tool when its time was up"
Row = dict[str, Any]


class ImportFailed(Exception):
    """A file that none of the importers can read, or that lacks what a report needs. One line."""


@dataclass(frozen=True)
class Said:
    """A number of the tool's own, in ms. word: as it calls it; ours: the column of the summary that is the same."""

    word: str
    ours: str
    value: float


@dataclass
class Benchmark:
    """One of a file's benchmarks: a cell.

    axes:    what distinguishes it, in the tool's own words.
    load:    what is known of the load; `rate` in it means open loop, `users` closed.
    rows:    as in `vgate.harness.records`, without those that the tool did not measure.
    window:  its measured time, in the clock of the rows, nanoseconds.
    absent:  beginnings of the numbers that the file does not support.
    notes:   what a reader must know before comparing, a sentence each.
    """

    axes: dict[str, str]
    load: dict[str, Any]
    rows: list[Row]
    window: tuple[int, int]
    absent: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)


@dataclass(frozen=True)
class Imported:
    """A file. words: (the tool's word, ours) where they differ; ours is "none" where we have no such number."""

    tool: str
    benchmarks: list[Benchmark]
    words: list[tuple[str, str]]


def nanoseconds(seconds: float) -> int:
    """A stamp of the rows."""
    return round(seconds * 1e9)


def counts(stamps: list[int], tokens: int | None) -> list[int] | None:
    """Tokens in each chunk: one each where that adds up to the request's count, else not known."""
    return [1] * len(stamps) if stamps and len(stamps) == tokens else None


def stamps(first: int, gaps_s: list[float]) -> list[int]:
    """Stamps of chunks from that of the first and the gaps after it, in seconds; rounded once each, so none drifts."""
    made, at = [first], 0.0
    for gap in gaps_s:
        at += gap
        made.append(first + nanoseconds(at))
    return made
