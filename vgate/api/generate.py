"""The routes that ask a model: whole and streamed answers, and clients that leave."""

import asyncio
import contextlib
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator

from vgate.api import caching, prompts
from vgate.api.asgi import ClientLeft, Receive, Scope, Send, header, read_json, send_whole, start
from vgate.api.service import Service
from vgate.errors import BadRequest, Stopping
from vgate.record import Record
from vgate.types import Call, Endpoint, Event

_MILLISECONDS = re.compile(r"\d{1,12}(\.\d{1,6})?")
_STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


class Generate:
    """One endpoint as an ASGI app. Raises ApiError and ClientLeft."""

    def __init__(self, service: Service, endpoint: Endpoint) -> None:
        self._service = service
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record: Record = scope["vgate.record"]
        body = await read_json(scope, receive, self._service.settings.server.max_body_bytes)
        if not isinstance(body.get("stream"), bool | None):
            raise BadRequest(f"stream must be true or false, got {body['stream']!r}", "stream")
        if self._service.stopping:
            raise Stopping
        deadline = _deadline(scope, record.arrived, self._service.settings.server.deadline_ms)
        asks = caching.asked(scope)
        trace = record.trace.headers if record.trace else None
        call = Call(uuid.uuid4().hex, self._endpoint, body, record.caller, deadline, asks, trace)
        record.call_id, record.stream, record.choices = call.id, call.stream, body.get("n") or 1
        record.user, record.model = _short(body.get("user")), _short(body.get("model"))
        path = self._service.embeddings if self._endpoint == "embeddings" else self._service.gateway
        answer = prompts.logged(path.answer(call, record), call, record, self._service.settings.logging)
        async with while_connected(receive), contextlib.aclosing(answer) as events:
            if call.stream:
                await _send_stream(send, record, events)
            else:
                await send_whole(send, record, b"".join([event.data async for event in events]))


def _short(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _deadline(scope: Scope, arrived: float, most_ms: float | None) -> float | None:
    """By when the answer must have begun: what the client allows, at most what the server does."""
    given = header(scope, b"x-vgate-deadline-ms")
    allowed = [] if most_ms is None else [most_ms]
    if given is not None:
        if not _MILLISECONDS.fullmatch(given) or not float(given):
            raise BadRequest(f"X-VGate-Deadline-Ms must be a positive number of milliseconds, got {given[:80]!r}")
        allowed.append(float(given))
    return arrived + min(allowed) / 1000 if allowed else None


@contextlib.asynccontextmanager
async def while_connected(receive: Receive) -> AsyncIterator[None]:
    """Cancels what runs inside when the client goes away, and raises ClientLeft in its stead."""
    task = asyncio.current_task()
    assert task is not None  # an ASGI app always runs in a task
    left = False

    async def watch() -> None:
        nonlocal left
        while (await receive())["type"] != "http.disconnect":
            pass
        left = True
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if left and task.uncancel() == 0:
            raise ClientLeft from None
        raise
    finally:
        watcher.cancel()


async def _send_stream(send: Send, record: Record, events: AsyncGenerator[Event, None]) -> None:
    """The first event decides: until it is there, an error still has its own status."""
    first = await anext(events)
    await start(send, record, 200, _STREAM_HEADERS)
    await send({"type": "http.response.body", "body": first.data, "more_body": True})
    async for event in events:
        await send({"type": "http.response.body", "body": event.data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
