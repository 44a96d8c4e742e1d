"""Small pieces of ASGI: types, headers, reading a body, sending an answer."""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from vgate.errors import ApiError, BadRequest, TooLarge, Unfinished
from vgate.observe.parts import server_timing
from vgate.record import Record

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Read and thrown away of a body that is too large, as a multiple of the limit: a client that is still
# sending would see a broken connection instead of the answer.
_DISCARD = 16

# Where the protocol notes in a request's state that it has refused its body, with the error that the client was told.
REFUSED = "vgate.refused"

# Levels of a body. Below orjson's own limits, so that what was read can be written again, as for a cache key.
_MAX_DEPTH = 128


class ClientLeft(Exception):
    """The client closed the connection before its answer was complete."""


def header(scope: Scope, name: bytes) -> str | None:
    """A request header's value, None when it is not there."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None


def new_id() -> str:
    """128 random bits as 32 hexadecimal digits; a UUID would take four times as long."""
    return os.urandom(16).hex()


async def read_json(scope: Scope, receive: Receive, limit: int, timeout_s: float = 60.0) -> dict[str, Any]:
    """The request's JSON object. Raises ApiError: 415, 413, 408, or 400 saying what is wrong with it."""
    media = (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
    if media and media != "application/json" and not media.endswith("+json"):
        raise ApiError(
            415, f"Content-Type must be application/json, got {media[:80]!r}.", code="unsupported_media_type"
        )
    try:
        async with asyncio.timeout(timeout_s):
            data = await _read_body(receive, limit)
    except TimeoutError:
        raise Unfinished(timeout_s) from None
    except ClientLeft:
        raise scope.get("state", {}).get(REFUSED) or ClientLeft from None
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _unreadable(scope, data, error) from None
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.", code="invalid_json")
    if data.count(b"[") + data.count(b"{") > _MAX_DEPTH and _is_deeper(body, _MAX_DEPTH):
        raise BadRequest(f"The body is nested deeper than {_MAX_DEPTH} levels.", code="invalid_json")
    return body


def _unreadable(scope: Scope, data: bytes, error: orjson.JSONDecodeError) -> ApiError:
    """What is likeliest wrong with a body that is not JSON."""
    coding = (header(scope, b"content-encoding") or "identity").strip().lower()
    if coding != "identity":
        message = f"Content-Encoding {coding[:80]!r} is not read here: the body must be sent as it is."
        return ApiError(415, message, code="unsupported_media_type", headers={"accept-encoding": "identity"})
    try:
        data.decode()
    except UnicodeDecodeError as wrong:
        return BadRequest(f"The body is not UTF-8, from byte {wrong.start} on.", code="invalid_json")
    return BadRequest(f"The body is not valid JSON: {error}", code="invalid_json")


def _is_deeper(body: Any, limit: int) -> bool:
    level = [body]
    for _ in range(limit):
        inner = [value.values() if isinstance(value, dict) else value for value in level]
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
    return bool(level)


async def _read_body(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        elif size > limit * _DISCARD:
            raise TooLarge(limit)
        if not message.get("more_body"):
            break
    if size > limit:
        raise TooLarge(limit)
    return b"".join(chunks)


async def start(send: Send, record: Record, status: int, headers: dict[str, str]) -> None:
    """Send status and headers, those of `labels` among them; tells the record the status."""
    record.status = status
    await send({"type": "http.response.start", "status": status, "headers": raw({**headers, **labels(record)})})


def labels(record: Record) -> dict[str, str]:
    """The headers that every answer carries."""
    verdict = {"x-vgate-cache": record.cache} if record.cache else {}
    age = {"age": str(int(record.age_s))} if record.age_s is not None else {}
    timing = {"server-timing": server_timing(record, asyncio.get_running_loop().time())} if record.timed else {}
    parting = {"connection": "close"} if record.parting else {}
    return {"x-request-id": record.request_id, **record.headers, **verdict, **age, **timing, **parting}


def raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI wants them."""
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]


async def send_whole(send: Send, record: Record, body: bytes) -> None:
    """Send a whole JSON answer with status 200."""
    await start(send, record, 200, {"content-type": "application/json", "content-length": str(len(body))})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, record: Record, error: ApiError) -> None:
    """Send a whole answer in OpenAI's error form."""
    body = orjson.dumps(error.body())
    headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
    await start(send, record, error.status, headers)
    await send({"type": "http.response.body", "body": body})
