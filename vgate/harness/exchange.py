"""One request as the driver saw it: stamps and undecoded bytes. And the file that carries many of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

CUT_OFF = "unfinished"  # so begins the error of a request that was in flight when the drain limit was reached
OWN_FAULT = "the load driver itself: "  # how the error of a request begins that failed for want of something here


@dataclass(slots=True)
class Exchange:
    """Raw record of one request. Stamps are CLOCK_MONOTONIC nanoseconds; None means it never came to that.

    t_end: the answer's last byte, or when it was seen that there will be none; None if it never came to either.
    reads: (stamp, bytes of the body that this read brought), in order; the body is their concatenation.
    error: None, or what went wrong on the wire, in words.
    """

    name: str
    request_id: str
    t_int: int
    t_send: int | None = None
    t_end: int | None = None
    status: int | None = None
    cache: str | None = None
    error: str | None = None
    reads: list[tuple[int, int]] = field(default_factory=list)
    body: bytes | bytearray = b""


def write(exchange: Exchange, file: IO[bytes]) -> None:
    """Append one record: a line of JSON, then the body's bytes. Nothing is decoded."""
    head: dict[str, Any] = {name: getattr(exchange, name) for name in Exchange.__slots__}
    head["body"] = len(exchange.body)
    file.write(json.dumps(head, separators=(",", ":")).encode())
    file.write(b"\n")
    file.write(exchange.body)


def read(path: Path) -> Iterator[Exchange]:
    """The records of a file, in the order in which they ended."""
    with path.open("rb") as file:
        while line := file.readline():
            head = json.loads(line)
            head["reads"] = [(stamp, size) for stamp, size in head["reads"]]
            head["body"] = file.read(head["body"])
            yield Exchange(**head)
