"""Recorded traces in the formats in which they are published.

BurstGPT (github.com/HPMLL/BurstGPT) and Azure LLM inference 2023 and 2024 (github.com/Azure/AzurePublicDataset) are
CSV, told apart by their headers; Mooncake (github.com/kvcache-ai/Mooncake) is a JSON object a line.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain, dropwhile, islice
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
# Nanoseconds, prompt tokens, answer tokens, ids of blocks.
Row = tuple[int, int, int, tuple[int, ...]]


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
    """A published format: names of its columns or keys. `blocks` may be missing from an entry."""

    name: str
    time: str
    prompt: str
    output: str
    blocks: str = ""

    @property
    def needs(self) -> list[str]:
        return [self.time, self.prompt, self.output]


BURST_GPT = Format("BurstGPT", "Timestamp", "Request tokens", "Response tokens")
AZURE = Format("Azure LLM inference", "TIMESTAMP", "ContextTokens", "GeneratedTokens")
MOONCAKE = Format("Mooncake", "timestamp", "input_length", "output_length", "hash_ids")
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
            file.seek(0)
            if head.lstrip().startswith("{"):
                yield from _converted(MOONCAKE, _json_lines(file), 1)
            else:
                yield from _converted(_csv_format(head), csv.DictReader(file), 2)
    except (OSError, UnicodeDecodeError) as error:
        raise WrongFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _csv_format(head: str) -> Format:
    if not head:
        raise WrongFile("is empty")
    columns = {name.strip() for name in next(csv.reader([head]), [])}
    for known in CSV_FORMATS:
        if columns.issuperset(known.needs):
            return known
    formats = "; ".join(f"{f.name}: {', '.join(f.needs)}" for f in CSV_FORMATS)
    raise WrongFile(
        f"is in no known format: it begins with {head.strip()[:60]!r}; known are CSV with the columns of {formats};"
        f" and JSON lines with the keys of {MOONCAKE.name}: {', '.join(MOONCAKE.needs)}"
    )


def _json_lines(file: Iterator[str]) -> Iterator[Entry]:
    for line in file:
        if line.strip():
            yield json.loads(line)


def _converted(known: Format, entries: Iterator[Entry], first_line: int) -> Iterator[Row]:
    line = first_line - 1
    try:
        for line, entry in enumerate(entries, first_line):  # noqa: B007 -- told in the error
            yield _row(known, entry)
    except KeyError as error:
        raise WrongFile(f"line {line} lacks {error} of the {known.name} format") from None
    except (ValueError, TypeError) as error:
        # An entry that cannot even be parsed was not counted.
        number = line + 1 if isinstance(error, json.JSONDecodeError) else line
        raise WrongFile(f"line {number} does not fit the {known.name} format: {error}") from None


def _row(known: Format, entry: Entry) -> Row:
    blocks = tuple(int(block) for block in entry.get(known.blocks) or ())
    return _nanoseconds(known, entry[known.time]), _count(entry[known.prompt]), _count(entry[known.output]), blocks


def _nanoseconds(known: Format, value: Any) -> int:
    """Azure writes moments, with or without a zone and with up to seven decimals; Mooncake writes milliseconds."""
    if known is AZURE:
        moment = datetime.fromisoformat(value)
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
        return since // timedelta(microseconds=1) * 1000
    return round(float(value) * (1e6 if known is MOONCAKE else 1e9))


def _count(value: Any) -> int:
    """Tokens; some tables write 472.0."""
    count = int(float(value))
    if count < 0:
        raise ValueError(f"{value} tokens")
    return count
