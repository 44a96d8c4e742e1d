"""How a request's prompt begins, as far as a chat template puts it together of what is in the body."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import orjson


def beginning(body: Mapping[str, Any], most: int) -> bytes:
    """At most the first `most` bytes: of a chat its tools, then its messages; of a completion its prompt.

    Bodies that differ only behind that give the same. A vLLM cache salt is part of it, for what is cached under one is
    not found under another. What is of a wrong type gives something; the engine will refuse it.
    """
    found = bytearray()
    for piece in _pieces(body, most):
        found += piece
        if len(found) >= most:
            break
    return bytes(found[:most])


def _pieces(body: Mapping[str, Any], most: int) -> Iterator[bytes]:
    if body.get("cache_salt") is not None:
        yield _json(body["cache_salt"], most)
    messages = body.get("messages")
    if isinstance(messages, list):
        if body.get("tools"):
            yield _json(body["tools"], most)
        yield from itertools.chain.from_iterable(_message(message, most) for message in messages)
    else:
        yield _prompt(body.get("prompt", body.get("input")), most)


def _message(message: Any, most: int) -> Iterator[bytes]:
    if not isinstance(message, dict):
        return
    yield f"\n{message.get('role')}: ".encode("utf-8", "surrogatepass")
    content = message.get("content")
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, dict) else part
        yield _text(text, most) if isinstance(text, str) else _json(part, most)
    if message.get("tool_calls"):
        yield _json(message["tool_calls"], most)


def _prompt(prompt: Any, most: int) -> bytes:
    """Of several prompts the first; tokens as they are written in JSON."""
    first = prompt[0] if isinstance(prompt, list) and prompt and isinstance(prompt[0], str | list) else prompt
    return (
        _text(first, most)
        if isinstance(first, str)
        else _json(first[:most] if isinstance(first, list) else first, most)
    )


def _text(text: str, most: int) -> bytes:
    return text[:most].encode("utf-8", "surrogatepass")


def _json(value: Any, most: int) -> bytes:
    return orjson.dumps(value)[:most]
