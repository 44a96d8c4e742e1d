"""A worker's stream cut into events, under the id of the call that it answers.

vLLM makes the id of the `X-Request-Id` that it is given, so its bytes pass as they are. In the events of others the id
is replaced, and nothing else.
"""

import re
from typing import Any

import orjson

from vgate import sse

# Where nearly everybody writes it: no need to read a whole answer for it.
_FIRST_ID = re.compile(rb'(?:data: ?)?\{"id": ?"([\x21\x23-\x5b\x5d-\x7e]*)"')
_KEEP_ALIVE = re.compile(rb"(?:[\r\n]|:[^\r\n]*+)++")  # possessive, or a line of colons takes for ever
_NULL_USAGE = (b',"usage":null', b', "usage": null')


def is_keep_alive(piece: bytes) -> bool:
    """Whether a stream has begun with comments and blank lines alone: its server lives, and has nothing to say yet.

    So llama.cpp, OpenRouter and proxies keep others from giving up; vLLM and Ollama say nothing at all meanwhile.
    """
    return not piece.startswith(b"data:") and _KEEP_ALIVE.fullmatch(piece) is not None


class Framer:
    """Whole events, of pieces cut anywhere. Those in the usual form pass unchanged, at little cost."""

    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self._clean = True

    def feed(self, piece: bytes) -> list[bytes]:
        """The events that end in this piece."""
        if self._clean and piece.endswith(b"\n\n") and b"\r" not in piece and piece.startswith(b"data: "):
            if piece.find(b"\n") == len(piece) - 2:
                return [piece]
            parts = piece[:-2].split(b"\n\n")
            if all(part.startswith(b"data: ") and b"\n" not in part for part in parts):
                return [part + b"\n\n" for part in parts]
        events = self._splitter.feed(piece)
        self._clean = self._splitter.empty
        return events

    def end(self) -> list[bytes]:
        """What stands without its blank line where the bytes end: `[DONE]`, else nothing that is whole."""
        return [event for event in self._splitter.feed(b"\n\n") if event == sse.DONE]


class Addressed:
    """Puts the call's id where the worker's is; `created` too, where another worker goes on with a stream."""

    def __init__(self, own: str, *, counted_for_us: bool, created: int | None = None) -> None:
        self._own = own.encode()
        self._mine = b'"%b"' % self._own
        self._created = created
        self._changes: list[tuple[bytes, bytes]] = []
        self._known = False
        # Some servers write `"usage": null` into each chunk when usage was asked for, which this client has not.
        self._hides_usage = counted_for_us

    def __call__(self, event: bytes) -> bytes:
        """The event as it goes out."""
        event = self._changed(event)
        if not self._known or self._mine not in event:  # some change their id within a stream
            self._learn(event)
            event = self._changed(event)
        if self._hides_usage and b"null" in event:
            for null in _NULL_USAGE:
                event = event.replace(null, b"", 1)
        return event

    def _learn(self, event: bytes) -> None:
        """How this stream's id is written, from an event that has one."""
        theirs = id_of(event)
        if theirs is None:
            return
        self._known, self._changes = True, []
        written = orjson.dumps(theirs)
        if written != self._mine:
            self._change(event, b'"id":', written, self._mine)
        if self._created is not None:
            created = orjson.dumps(sse.decode(event).get("created"))
            self._change(event, b'"created":', created, b"%d" % self._created)

    def _changed(self, event: bytes) -> bytes:
        for old, new in self._changes:
            event = event.replace(old, new, 1)
        return event

    def _change(self, event: bytes, name: bytes, old: bytes, new: bytes) -> None:
        for start in (name, name + b" "):
            if start + old in event:
                self._changes.append((start + old, start + new))


def whole(body: bytes, own: str) -> bytes:
    """A whole answer under the call's id."""
    return Addressed(own, counted_for_us=False)(body)


def id_of(event: bytes) -> str | None:
    """The id in an event, or in a whole answer; None where there is none."""
    plain = _FIRST_ID.match(event)
    if plain:
        return plain[1].decode()
    try:
        chunk: Any = sse.decode(event) if event.startswith(b"data:") else orjson.loads(event)
    except orjson.JSONDecodeError:
        return None
    found = chunk.get("id") if isinstance(chunk, dict) else None
    return found if isinstance(found, str) else None
