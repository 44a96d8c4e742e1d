"""Server-sent events of OpenAI's API: writing them, and reading what an engine's events say.

An engine yields raw bytes: whole SSE events for a streamed answer, one JSON body otherwise. `metered` turns them into
`Event`s. Chunks pass through unchanged; after the first content only their last two are looked into.
"""

from collections.abc import AsyncIterator
from typing import Any

import orjson

from vgate.errors import ApiError
from vgate.types import Event, Usage

DONE = b"data: [DONE]\n\n"
_ERROR = b'data: {"error"'
_USAGE_ONLY = b'"choices":[]'


def encode(body: Any) -> bytes:
    """One SSE event that carries JSON."""
    return b"data: " + orjson.dumps(body) + b"\n\n"


def decode(event: bytes) -> Any:
    """The JSON of one `data:` event."""
    return orjson.loads(event[len(b"data: ") :])


async def metered(raw: AsyncIterator[bytes], *, stream: bool, wants_usage: bool) -> AsyncIterator[Event]:
    """An engine's answer as events, the last one with the usage.

    An engine always ends a stream with a usage chunk and `[DONE]`; the usage chunk goes on only where the client asked
    for it. Raises ApiError for an error event, and when a stream ends without `[DONE]`.
    """
    if not stream:
        async for body in raw:
            yield Event(body, content=True, usage=_usage(orjson.loads(body)))
        return
    talking = False
    usage: Usage | None = None
    async for data in raw:
        if data.startswith(_ERROR):
            raise _error(decode(data))
        if data == DONE:
            yield Event(DONE, usage=usage or Usage(0, 0))
            return
        if _USAGE_ONLY in data:
            usage = _usage(decode(data))
            if wants_usage:
                yield Event(data)
            continue
        talking = talking or _has_content(decode(data))
        yield Event(data, content=talking)
    raise ApiError(502, "The engine's answer broke off.", "server_error", code="stream_broken")


def readdressed(event: Event, old: str, new: str) -> Event:
    """The event as an answer to another call: each client's answer has its own id."""
    return event._replace(data=event.data.replace(old.encode(), new.encode()))


def _usage(body: dict[str, Any]) -> Usage:
    usage = body.get("usage") or {}
    return Usage(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)


def _has_content(chunk: dict[str, Any]) -> bool:
    """Whether any choice says something: text, reasoning or a tool call. The role alone is not content."""
    for choice in chunk.get("choices", []):
        delta = choice.get("delta") or choice
        if any(
            delta.get(name) for name in ("content", "text", "reasoning", "reasoning_content", "tool_calls", "refusal")
        ):
            return True
    return False


def _error(body: dict[str, Any]) -> ApiError:
    error = body["error"]
    code = error.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    kind = "invalid_request_error" if status < 500 else "server_error"
    return ApiError(status, str(error.get("message", "")), kind, error.get("param"))
