"""Server-sent events of OpenAI's API: writing them, and reading what an engine's events say.

An engine yields raw bytes: SSE events for a streamed answer, one JSON body otherwise, in pieces of any size. `metered`
turns them into `Event`s. A chunk that is one whole event in the usual form, which nearly all are, passes as it is, and
is only looked into where it does not plainly carry text.
"""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson

from vgate.errors import ApiError
from vgate.types import Event, Usage

DONE = b"data: [DONE]\n\n"
_DATA = b"data: "
_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"
_CR, _QUOTE = ord("\r"), ord('"')
# How compact JSON looks where a choice says something, if no quote follows. Within a JSON string a quote has a
# backslash before it, so no text looks like this.
_SIGNS = (
    b'"delta":{"content":"',
    b'"delta":{"reasoning":"',
    b'"delta":{"reasoning_content":"',
    b'"delta":{"tool_calls":[{"',
    b',"text":"',
)


def encode(body: Any) -> bytes:
    """One SSE event that carries JSON."""
    return _DATA + orjson.dumps(body) + b"\n\n"


def decode(event: bytes) -> Any:
    """The JSON of an event as `metered` yields it: its last line is `data: <JSON>`."""
    return orjson.loads(event[event.rfind(b"\n" + _DATA) + 1 + len(_DATA) :])


async def metered(raw: AsyncIterator[bytes], *, stream: bool) -> AsyncIterator[Event]:
    """An engine's answer as events, the last one with the usage.

    An engine always ends a stream with a usage chunk and `[DONE]`; the usage chunk is marked as `counts`. Raises
    ApiError for an error event, and for an answer that ends before its end or is not JSON.
    """
    if not stream:
        yield _whole(b"".join([piece async for piece in raw]))
        return
    splitter, reader, clean = Splitter(), _Reader(), True
    async for piece in raw:
        # Runs once for every token there is, so it is written for speed; tests hold it against the plain way.
        _, _, rest = piece.partition(b"\n")
        if clean and rest == b"\n" and piece.startswith(_DATA) and _CR not in piece:
            at = piece.find(reader.sign)
            if at > 0 and piece[at + len(reader.sign)] != _QUOTE:
                yield Event(piece, True)
                continue
            whole = [piece]
        else:
            whole = splitter.feed(piece)
            clean = splitter.empty
        for event in reader.read(whole):
            yield event
        if reader.done:
            return
    for event in reader.read_end(splitter.feed(b"\n\n")):
        yield event


class _Reader:
    """Looks into events: content, usage, errors, the end."""

    def __init__(self) -> None:
        self._usage = Usage(0, 0)
        self.done = False
        # How this stream speaks, as far as it is known.
        self.sign = _SIGNS[0]

    def read(self, events: list[bytes]) -> Iterator[Event]:
        """Those that go to the client. Raises ApiError for one that says so."""
        for data in events:
            if data == DONE:
                self.done = True
                yield Event(DONE, usage=self._usage)
                return
            chunk = _chunk(data)
            if chunk.get("usage"):
                self._usage = _usage(chunk)
            content = _has_content(chunk)
            if content:
                self.sign = next((sign for sign in _SIGNS if sign in data), self.sign)
            yield Event(data, content, counts=_is_usage_only(chunk))

    def read_end(self, events: list[bytes]) -> Iterator[Event]:
        """What stands without its blank line where the bytes end: `[DONE]`, or the answer is broken."""
        if events != [DONE]:
            raise _broken("broke off")
        return self.read(events)


class Splitter:
    """Cuts a stream of bytes into events, wherever its pieces begin and end: within a character, a line, a line end.

    Events come out in one form, whatever lines and line ends (CR LF, LF, CR) they came in: `data:` as the last line,
    with its JSON in it. Comments are left out; an event that never ended is none.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._fields: list[bytes] = []
        self._data: list[bytes] = []
        self._after_cr = False

    @property
    def empty(self) -> bool:
        """Whether no event has begun."""
        return not (self._line or self._fields or self._data or self._after_cr)

    def feed(self, piece: bytes) -> list[bytes]:
        """The events that end in this piece."""
        if self._after_cr and piece:
            piece = piece.removeprefix(b"\n")
            self._after_cr = False
        first, *others = _LINE_END.split(piece)
        self._after_cr = piece.endswith(b"\r")
        self._line += first
        events = []
        for following in others:
            if self._line:
                self._add(bytes(self._line).removeprefix(_BOM))
            else:
                events += self._event()
            self._line = bytearray(following)
        return events

    def _add(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name:
            self._fields.append(line + b"\n")

    def _event(self) -> list[bytes]:
        """At a blank line: the event before it, if it has data."""
        # JSON has line ends between its tokens only, where a blank means the same.
        data, fields = b" ".join(self._data), b"".join(self._fields)
        self._data, self._fields = [], []
        if data == b"[DONE]":
            return [DONE]
        return [fields + _DATA + data + b"\n\n"] if data else []


def readdressed(event: Event, old: bytes, new: bytes) -> Event:
    """The event as an answer to another call: each client's answer has its own id."""
    data, content, usage, counts = event  # `_replace` takes four times as long
    return Event(data.replace(old, new), content, usage, counts)


def _chunk(event: bytes) -> dict[str, Any]:
    try:
        chunk = decode(event)
    except orjson.JSONDecodeError:
        raise _broken("is not JSON") from None
    if not isinstance(chunk, dict):
        raise _broken("is not a JSON object")
    if chunk.get("error"):
        raise _error(chunk["error"])
    if not is_read(chunk):
        raise _broken("is not of the API's form")
    return chunk


def is_read(chunk: dict[str, Any]) -> bool:
    """Whether what is read of a chunk, or of a whole answer, is of the types that it is read as."""
    choices, usage = chunk.get("choices") or [], chunk.get("usage") or {}
    if not isinstance(choices, list) or not isinstance(usage, dict):
        return False
    counts = [usage.get(name) or 0 for name in ("prompt_tokens", "completion_tokens")]
    return all(isinstance(count, int) and count >= 0 for count in counts) and all(
        isinstance(choice, dict) and isinstance(choice.get("delta"), dict | None) for choice in choices
    )


def _whole(body: bytes) -> Event:
    if not body:
        raise _broken("broke off")
    return Event(body, content=True, usage=_usage(_chunk(_DATA + body)))


def _usage(body: dict[str, Any]) -> Usage:
    usage = body.get("usage") or {}
    return Usage(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)


def _is_usage_only(chunk: dict[str, Any]) -> bool:
    return bool(chunk.get("usage")) and not chunk.get("choices")


def _has_content(chunk: dict[str, Any]) -> bool:
    """Whether any choice says something: text, reasoning or a tool call. The role alone is not content."""
    for choice in chunk.get("choices") or []:
        delta = choice.get("delta") or choice
        if any(
            delta.get(name) for name in ("content", "text", "reasoning", "reasoning_content", "tool_calls", "refusal")
        ):
            return True
    return False


def _broken(how: str) -> ApiError:
    return ApiError(502, f"The engine's answer {how}.", "server_error", code="stream_broken")


def _error(error: Any) -> ApiError:
    told = error if isinstance(error, dict) else {"message": error}
    code = told.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    kind = "invalid_request_error" if status < 500 else "server_error"
    param = told.get("param")
    return ApiError(status, str(told.get("message", "")), kind, param if isinstance(param, str) else None)
