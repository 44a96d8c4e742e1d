"""The parts of a call that the blocking and the asynchronous client share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import httpx

from vgate.client.errors import ResponseError
from vgate.client.meta import Meta
from vgate.client.reading import Json
from vgate.client.settings import timeouts

Headers = Mapping[str, str] | None
Texts = str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]]
"""A text, or its token ids, or several of either."""


class Way(NamedTuple):
    """How one call is made, where it differs from its client's other calls."""

    headers: Headers = None
    timeout: float | None = None

    def options(self) -> dict[str, Any]:
        """Arguments of httpx's ``build_request``.

        Raises:
            ValueError: A header or the time-out is not what it must be.
        """
        for name, value in (self.headers or {}).items():
            if not (value.isascii() and value.isprintable() and value == value.strip()):  # it may be a key: not shown
                raise ValueError(f"extra_headers: {name!r} must be printable ASCII without spaces around it")
        silence = httpx.USE_CLIENT_DEFAULT if self.timeout is None else timeouts(self.timeout)
        return {"headers": self.headers, "timeout": silence}


USUAL = Way()


def body_of(model: str, stream: bool, params: Mapping[str, Any], **fields: Any) -> Json:
    """The JSON body of a call."""
    body = {"model": model, **fields, **params}
    return {**body, "stream": True} if stream else body


def listed(texts: Texts) -> str | list[Any]:
    """In a form that goes into JSON.

    Raises:
        TypeError: Bytes are among it, which are no text, and would pass for token ids.
    """
    if isinstance(texts, bytes | bytearray):
        raise TypeError("a text must be str, not bytes")
    if isinstance(texts, str):
        return texts
    return [part if isinstance(part, str | int) else listed(part) for part in texts]


def read_json(response: httpx.Response) -> tuple[Json, Meta]:
    """Body and header facts of a whole answer.

    Raises:
        ResponseError: The body is not a JSON object.
    """
    try:
        raw = response.json()
    except (ValueError, RecursionError) as error:  # the second for nesting
        raise ResponseError(f"the answer is not JSON: {response.text[:200]!r}") from error
    if not isinstance(raw, dict):
        raise ResponseError(f"the answer is not a JSON object: {response.text[:200]!r}")
    return raw, Meta.read(response.headers)
