"""What the server answers, as frozen dataclasses.

Every object keeps the JSON it was read from in `raw`: fields without a name here are found there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from vgate.client.errors import ResponseError
from vgate.client.meta import Meta
from vgate.client.reading import Json, V, get, need, objects


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
        raw = get(owner, "usage", dict)
        if raw is None:
            return None
        prompt, completion = (get(raw, f"{kind}_tokens", int) or 0 for kind in ("prompt", "completion"))
        return cls(prompt, completion, get(raw, "total_tokens", int) or prompt + completion, raw)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function the model wants called, or the next piece of one. `arguments` is JSON text."""

    index: int
    id: str | None
    name: str | None
    arguments: str
    raw: Json = field(repr=False)

    @classmethod
    def read(cls, raw: Json, place: int) -> Self:
        """From one entry of ``tool_calls``; where it has no index, as in a whole answer, that is its place there."""
        function, index = get(raw, "function", dict) or {}, get(raw, "index", int)
        named = get(raw, "id", str), get(function, "name", str)
        return cls(place if index is None else index, *named, _arguments(function), raw)


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
        calls = objects(raw, "tool_calls", optional=True)
        read = tuple(ToolCall.read(call, place) for place, call in enumerate(calls))
        return cls(get(raw, "role", str), _content(raw), read, raw)


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
        return cls(*_place(raw, Message.read(need(raw, "message", dict))), raw)


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
        """From one entry of a chunk's ``choices``; one that says something about the answer may have no delta."""
        return cls(*_place(raw, Message.read(get(raw, "delta", dict) or {})), raw)


@dataclass(frozen=True, slots=True)
class TextChoice:
    """One of the `n` answers to a prompt, or the next piece of one."""

    index: int
    text: str
    finish_reason: str | None
    raw: Json = field(repr=False)

    @classmethod
    def read(cls, raw: Json) -> Self:
        """From one entry of ``choices``."""
        return cls(*_place(raw, get(raw, "text", str) or ""), raw)


class _Said(Protocol):
    @property
    def text(self) -> str: ...


_C = TypeVar("_C", bound=_Said)


@dataclass(frozen=True, slots=True)
class _Answer(Generic[_C]):
    _choice: ClassVar[Any]  # how to read one choice
    _may_only_count: ClassVar[bool] = False  # some servers' usage chunk has no choices, or null for them

    id: str
    model: str
    choices: tuple[_C, ...]
    usage: Usage | None
    meta: Meta
    raw: Json = field(repr=False)

    @property
    def text(self) -> str:
        """Text of the first choice, empty where there is none (as in a stream's usage chunk).

        With `n` above 1 look at `choices`: each has its `index`.
        """
        return self.choices[0].text if self.choices else ""

    @classmethod
    def read(cls, raw: Json, meta: Meta) -> Self:
        """From the body of an answer, or the data of one event of a stream."""
        usage = Usage.read(raw)
        choices = objects(raw, "choices", optional=cls._may_only_count and usage is not None)
        return cls(*_head(raw), tuple(map(cls._choice, choices)), usage, meta, raw)


class ChatCompletion(_Answer[Choice]):
    """A whole chat answer."""

    __slots__ = ()
    _choice = Choice.read


class ChatCompletionChunk(_Answer[ChunkChoice]):
    """A piece of a streamed chat answer."""

    __slots__ = ()
    _choice = ChunkChoice.read
    _may_only_count = True


class TextCompletion(_Answer[TextChoice]):
    """An answer to a prompt, or a piece of it."""

    __slots__ = ()
    _choice = TextChoice.read


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
        items = sorted(objects(raw, "data"), key=lambda item: get(item, "index", int) or 0)
        vectors = tuple(_vector(item) for item in items)
        return cls(_head(raw)[1], vectors, Usage.read(raw), meta, raw)


@dataclass(frozen=True, slots=True)
class ModelList:
    """What the server serves; `ids` are what ``model`` may be."""

    ids: tuple[str, ...]
    meta: Meta
    raw: Json = field(repr=False)

    @classmethod
    def read(cls, raw: Json, meta: Meta) -> Self:
        """From the body of an answer; where there is no model, some servers say null."""
        return cls(tuple(need(item, "id", str) for item in objects(raw, "data", optional="data" in raw)), meta, raw)


def _head(raw: Json) -> tuple[str, str]:
    return get(raw, "id", str) or "", get(raw, "model", str) or ""


def _place(raw: Json, said: V) -> tuple[int, V, str | None]:
    return get(raw, "index", int) or 0, said, get(raw, "finish_reason", str)


def _content(raw: Json) -> str | None:
    """The text, or where the server sends parts (some models that think do) that of the parts that are text."""
    if not isinstance(raw.get("content"), list):
        return get(raw, "content", str)
    return "".join(get(part, "text", str) or "" for part in objects(raw, "content"))


def _arguments(function: Json) -> str:
    """JSON text; some servers send what it stands for."""
    if isinstance(function.get("arguments"), dict):
        return json.dumps(function["arguments"])
    return get(function, "arguments", str) or ""


def _vector(item: Json) -> list[float] | str:
    vector = item.get("embedding")
    if not isinstance(vector, list | str):
        raise ResponseError(f"'embedding' must be a list or a base64 string, not {vector!r}")
    return vector
