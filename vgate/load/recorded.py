"""Recorded traces in the formats in which they are published.

BurstGPT (github.com/HPMLL/BurstGPT) and Azure LLM inference 2023 and 2024 (github.com/Azure/AzurePublicDataset) are
CSV, told apart by their headers; Mooncake (github.com/kvcache-ai/Mooncake) is a JSON object a line.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain, dropwhile, islice
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
# Nanoseconds, prompt tokens, answer tokens, ids of blocks.
Row = tuple[int, int, int, tuple[int, ...]]
MOST_TOKENS = 10_000_000  # of a prompt or an answer: more is a slip of the file
TOKENS = f"a number of tokens from 0 to {MOST_TOKENS}"


class WrongFile(ValueError):
    """A file that cannot be used; the message says why, without the file's name."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request of a trace.

    at_s: when, in seconds from the moment at which reading began. prompt_tokens, output_tokens: as recorded, even 0.
    blocks: ids of the prompt's blocks of tokens; equal ids are equal text. Empty where the trace does not tell.
    """

    at_s: float
    prompt_tokens: int
    output_tokens: int
    blocks: tuple[int, ...] = ()


@dataclass(frozen=True)
class Format:
    """A published format: names of its columns or keys. `blocks` may be missing from an entry. times: how they read."""

    name: str
    times: str
    time: str
    prompt: str
    output: str
    blocks: str = ""

    @property
    def needs(self) -> list[str]:
        return [self.time, self.prompt, self.output]


BURST_GPT = Format("BurstGPT", "a number of seconds", "Timestamp", "Request tokens", "Response tokens")
AZURE_TIMES = "a moment such as 2024-05-11 23:59:59.5+00:00"
AZURE = Format("Azure LLM inference", AZURE_TIMES, "TIMESTAMP", "ContextTokens", "GeneratedTokens")
MOONCAKE = Format("Mooncake", "a number of milliseconds", "timestamp", "input_length", "output_length", "hash_ids")
CSV_FORMATS = (BURST_GPT, AZURE)


@lru_cache(maxsize=8)
def read_trace(path: str, start_s: float, max_rows: int) -> tuple[Recorded, ...]:
    """At most `max_rows` requests from `start_s` seconds into the trace on, in the order of their times.

    Reads no further than it has to. Raises WrongFile.
    """
    rows = _rows(Path(path))
    first = next(rows, None)
    if first is None:
        raise WrongFile("holds no requests")
    begin = first[0] + round(start_s * 1e9)
    taken = islice(dropwhile(lambda row: row[0] < begin, chain([first], rows)), max_rows)
    found = [Recorded((moment - begin) / 1e9, prompt, output, blocks) for moment, prompt, output, blocks in taken]
    if not found:
        raise WrongFile(f"ends before start_s = {start_s:g}")
    return tuple(sorted(found, key=lambda row: row.at_s))


def _rows(path: Path) -> Iterator[Row]:
    """All requests, their times on the file's own scale."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            if head.lstrip().startswith("{"):
                yield from _json_lines(MOONCAKE, chain([head], file))
            else:
                yield from _csv_rows(_csv_format(head), _columns(head), file)
    except (OSError, UnicodeDecodeError) as error:
        raise WrongFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _csv_format(head: str) -> Format:
    if not head:
        raise WrongFile("is empty")
    columns = _columns(head)
    for known in CSV_FORMATS:
        if set(columns).issuperset(known.needs):
            return known
    begins = f"it begins with {head.strip()[:60]!r}"
    found = f"it has the columns {', '.join(columns)[:200]}" if len(columns) > 1 else begins
    formats = "; ".join(f"{f.name}: {', '.join(f.needs)}" for f in CSV_FORMATS)
    raise WrongFile(
        f"is in no known format: {found}; known are CSV with the columns of {formats};"
        f" and JSON lines with the keys of {MOONCAKE.name}: {', '.join(MOONCAKE.needs)}"
    )


def _columns(head: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([head.strip()]), [])]
    except csv.Error:
        return []


def _csv_rows(known: Format, columns: list[str], lines: Iterable[str]) -> Iterator[Row]:
    """lines: those after the header."""
    entries = csv.DictReader(lines, columns)
    while True:
        try:
            entry = next(entries, None)
        except csv.Error as error:
            line = entries.reader.line_num + 1
            raise WrongFile(f"line {line} does not fit the {known.name} format: {error}") from None
        if entry is None:
            return
        yield _row(known, entry, entries.line_num + 1)


def _json_lines(known: Format, lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise WrongFile(f"line {number} does not fit the {known.name} format: it is no JSON: {error}") from None
        yield _row(known, entry, number)


def _row(known: Format, entry: Any, line: int) -> Row:
    if not isinstance(entry, dict):
        shown = json.dumps(entry)[:40]
        raise WrongFile(f"line {line} does not fit the {known.name} format: it is {shown}; must be an object")
    missing = [name for name in known.needs if name not in entry]
    if missing:
        has, needs = ", ".join(map(str, entry))[:200] or "nothing", ", ".join(known.needs)
        raise WrongFile(
            f"line {line} lacks {missing[0]!r} of the {known.name} format: it has {has}; needed are {needs}"
        )

    def value(key: str, read: Callable[[Any], T], allowed: str) -> T:
        try:
            return read(entry.get(key))
        except (ValueError, TypeError, ArithmeticError):
            what = f"{key} is {str(entry.get(key))[:40]!r}; must be {allowed}"
            raise WrongFile(f"line {line} does not fit the {known.name} format: {what}") from None

    return (
        value(known.time, _moment if known is AZURE else _milliseconds if known is MOONCAKE else _seconds, known.times),
        value(known.prompt, _count, TOKENS),
        value(known.output, _count, TOKENS),
        value(known.blocks, _blocks, "a list of whole numbers"),
    )


def _moment(value: Any) -> int:
    """Azure writes moments, with or without a zone and with up to seven decimals."""
    moment = datetime.fromisoformat(value)
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1) * 1000


def _milliseconds(value: Any) -> int:
    return round(float(value) * 1e6)


def _seconds(value: Any) -> int:
    return round(float(value) * 1e9)


def _count(value: Any) -> int:
    """Tokens; some tables write 472.0."""
    count = int(float(value))
    if not 0 <= count <= MOST_TOKENS:
        raise ValueError
    return count


def _blocks(value: Any) -> tuple[int, ...]:
    return tuple(int(block) for block in value or ())
