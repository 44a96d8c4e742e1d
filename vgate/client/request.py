"""The parts of a call that the blocking and the asynchronous client share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from vgate.client.errors import ResponseError
from vgate.client.meta import Meta
from vgate.client.types import Json

Headers = Mapping[str, str] | None


def body_of(model: str, stream: bool, params: Mapping[str, Any], **fields: Any) -> Json:
    """The JSON body of a call."""
    body = {"model": model, **fields, **params}
    return {**body, "stream": True} if stream else body


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
