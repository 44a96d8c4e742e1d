"""Server-sent events with their arrival times, from undecoded bytes."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def events(body: bytes | bytearray, reads: list[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """(stamp, data) of each event of a stream; the stamp is that of the read which completed the event.

    reads: (stamp, size) of each piece of `body`, in order. Events without data (comments, pings) are left out,
    and so is a last event that was never completed.
    """
    ends = list(accumulate(size for _, size in reads))
    begin = 0
    for end in _END.finditer(body):
        data = _data(bytes(body[begin : end.start()]))
        begin = end.end()
        if data is not None:
            yield reads[bisect_left(ends, begin)][0], data


def _data(event: bytes) -> bytes | None:
    """The data lines of an event, joined as the specification says."""
    lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    return b"\n".join(lines) if lines else None
