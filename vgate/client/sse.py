"""Server-sent events: bytes in, events out, no input or output of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"
MAX_EVENT_BYTES = 64 * 2**20
"""Of one event. No answer comes near; a server that never ends a line must not fill the memory."""


class EventTooLong(ValueError):
    """One event is longer than MAX_EVENT_BYTES."""


class Event(NamedTuple):
    """One event: its name (empty when the server gave none) and its data lines joined by newlines."""

    name: str
    data: str


class SSEDecoder:
    """Cuts a byte stream into events, wherever the network cut it before.

    Follows the WHATWG event-stream format: lines end in LF, CRLF or CR, comments and unknown
    fields are skipped, several ``data`` lines make one event. Bytes are decoded a line at a time,
    so a character split over two chunks survives.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._after_cr = False
        self._at_start = True
        self._name = ""
        self._data: list[str] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the events that `chunk` completes. Exhaust it before the next call.

        Raises:
            EventTooLong: The event that has begun is too long to be kept.
        """
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        for piece in chunk.splitlines(keepends=True):
            self._line += piece
            self._size += len(piece)
            if self._size > MAX_EVENT_BYTES:
                raise EventTooLong(f"an event of the stream is longer than {MAX_EVENT_BYTES} bytes")
            if piece.endswith((b"\n", b"\r")):
                event = self._end_line()
                if event is not None:
                    yield event
        if chunk:
            self._after_cr = chunk.endswith(b"\r")

    def flush(self) -> Event | None:
        """At the end of the stream: the event whose closing blank line never came, if any."""
        if self._line:
            self._end_line()
        return self._end_event()

    def _end_line(self) -> Event | None:
        line = bytes(self._line).rstrip(b"\r\n")
        self._line.clear()
        if self._at_start:
            line = line.removeprefix(_BOM)
            self._at_start = False
        if not line:
            return self._end_event()
        field, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        else:
            self._size -= len(line)  # comments and unknown fields are not kept
        return None

    def _end_event(self) -> Event | None:
        event = Event(self._name, "\n".join(self._data)) if self._data else None
        self._name = ""
        self._data.clear()
        self._size = 0
        return event
