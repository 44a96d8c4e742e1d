"""What the server answers, as frozen dataclasses.

Every object keeps the JSON it was read from in `raw`: fields without a name here are found there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Self, TypeVar

from vgate.client.errors import ResponseError
from vgate.client.meta import Meta

Json = dict[str, Any]
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    raw: Json = field(repr=False)

    @classmethod
    def read(cls, owner: Json) -> Self | None:
        """The ``usage`` of an answer or chunk, None where it has none."""
        raw = _get(owner, "usage", dict)
        if raw is None:
            return None
        prompt, completion = (_get(raw, f"{kind}_tokens", int) or 0 for kind in ("prompt", "completion"))
        return cls(prompt, completion, _get(raw, "total_tokens", int) or prompt + completion, raw)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model wants called, or the next piece of one. `arguments` is JSON text."""

    index: int
    id: str | None
    name: str | None
    arguments: str
    raw: Json = field(repr=False)

    @classmethod
    def read(cls, raw: Json) -> Self:
        """From one entry of ``tool_calls``."""
        function = _get(raw, "function", dict) or {}
        name, arguments = _get(function, "name", str), _get(function, "arguments", str) or ""
        return cls(_get(raw, "index", int) or 0, _get(raw, "id", str), name, arguments, raw)


@dataclass(frozen=True, slots=True)
class Message:
    """What the model said; as a stream's ``delta``, what it said since the last chunk."""

    role: str | None
    content: str | None
    tool_calls: tuple[ToolCall, ...]
    raw: Json = field(repr=False)

    @classmethod
    def read(cls, raw: Json) -> Self:
        """From a ``message`` or a ``delta``."""
        calls = tuple(ToolCall.read(call) for call in _objects(raw, "tool_calls", optional=True))
        return cls(_get(raw, "role", str), _get(raw, "content", str), calls, raw)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the `n` answers of a chat."""

    index: int
    message: Message
    finish_reason: str | None
    raw: Json = field(repr=False)

    @property
    def text(self) -> str:
        """The content, empty where there is none."""
        return self.message.content or ""

    @classmethod
    def read(cls, raw: Json) -> Self:
        """From one entry of ``choices``."""
        return cls(*_place(raw, Message.read(_need(raw, "message", dict))), raw)


@dataclass(frozen=True, slots=True)
class ChunkChoice:
    """The next piece of one of the `n` answers of a streamed chat."""

    index: int
    delta: Message
    finish_reason: str | None
    raw: Json = field(repr=False)

    @property
    def text(self) -> str:
        """The content, empty where there is none."""
        return self.delta.content or ""

    @classmethod
    def read(cls, raw: Json) -> Self:
        """From one entry of a chunk's ``choices``."""
        return cls(*_place(raw, Message.read(_need(raw, "delta", dict))), raw)


_C = TypeVar("_C", Choice, ChunkChoice)


@dataclass(frozen=True, slots=True)
class _Answer(Generic[_C]):
    _choice: ClassVar[Any]  # how to read one choice

    id: str
    model: str
    choices: tuple[_C, ...]
    usage: Usage | None
    meta: Meta
    raw: Json = field(repr=False)

    @property
    def text(self) -> str:
        """Text of the first choice, empty where there is none (as in a stream's usage chunk)."""
        return self.choices[0].text if self.choices else ""

    @classmethod
    def read(cls, raw: Json, meta: Meta) -> Self:
        """From the body of an answer, or the data of one event of a stream."""
        choices = tuple(map(cls._choice, _objects(raw, "choices")))
        return cls(*_head(raw), choices, Usage.read(raw), meta, raw)


class ChatCompletion(_Answer[Choice]):
    """A whole chat answer."""

    __slots__ = ()
    _choice = Choice.read


class ChatCompletionChunk(_Answer[ChunkChoice]):
    """A piece of a streamed chat answer."""

    __slots__ = ()
    _choice = ChunkChoice.read


@dataclass(frozen=True, slots=True)
class EmbeddingList:
    """One vector per input, in input order; a vector is base64 text if that was asked for."""

    model: str
    vectors: tuple[list[float] | str, ...]
    usage: Usage | None
    meta: Meta
    raw: Json = field(repr=False)

    @classmethod
    def read(cls, raw: Json, meta: Meta) -> Self:
        """From the body of an answer."""
        items = sorted(_objects(raw, "data"), key=lambda item: _get(item, "index", int) or 0)
        vectors = tuple(_vector(item) for item in items)
        return cls(_head(raw)[1], vectors, Usage.read(raw), meta, raw)


def _head(raw: Json) -> tuple[str, str]:
    return _get(raw, "id", str) or "", _get(raw, "model", str) or ""


def _place(raw: Json, said: _V) -> tuple[int, _V, str | None]:
    return _get(raw, "index", int) or 0, said, _get(raw, "finish_reason", str)


def _vector(item: Json) -> list[float] | str:
    vector = item.get("embedding")
    if not isinstance(vector, list | str):
        raise ResponseError(f"'embedding' must be a list or a base64 string, not {vector!r}")
    return vector


def _get(raw: Json, key: str, kind: type[_V]) -> _V | None:
    value = raw.get(key)
    if value is not None and not isinstance(value, kind):
        raise ResponseError(f"{key!r} in the answer must be {kind.__name__}, not {str(value)[:80]!r}")
    return value


def _need(raw: Json, key: str, kind: type[_V]) -> _V:
    value = _get(raw, key, kind)
    if value is None:
        raise ResponseError(f"the answer has no {key!r}: {str(raw)[:200]}")
    return value


def _objects(raw: Json, key: str, optional: bool = False) -> list[Json]:
    items: list[Any] = (_get(raw, key, list) or []) if optional else _need(raw, key, list)
    if not all(isinstance(item, dict) for item in items):
        raise ResponseError(f"{key!r} in the answer must be a list of objects, not {str(items)[:80]}")
    return items
