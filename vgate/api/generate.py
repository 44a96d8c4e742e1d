"""The routes that ask a model: whole and streamed answers, and clients that leave."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator

from vgate.api import caching, prompts
from vgate.api.asgi import ClientLeft, Receive, Scope, Send, header, new_id, read_json, send_whole, start
from vgate.api.service import Service
from vgate.errors import ApiError, BadRequest, Stopping
from vgate.record import Record
from vgate.security.base import Caller, Lease, Security
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
        self._settling: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        record: Record = scope["vgate.record"]
        caller: Caller = scope["vgate.caller"]
        security = self._service.security
        call = await self._read(scope, receive, record, security)
        # What is malformed has been refused by now, and has consumed nothing.
        lease = await security.enter(caller, security.weigh(caller, call, self._service.context))
        record.headers = dict(lease.headers)
        path = self._service.embeddings if self._endpoint == "embeddings" else self._service.gateway
        answer = prompts.logged(path.answer(call, record), call, record, self._service.settings.logging)
        try:
            async with while_connected(receive), contextlib.aclosing(answer) as events:
                if call.stream:
                    await _send_stream(send, record, events, lease)
                else:
                    body = b"".join([event.data async for event in events])
                    await lease.settle(record.spent)
                    await send_whole(send, record, body)
        except ApiError as error:
            raise self._told(error, record) from None
        finally:
            await self._settle(lease, record)

    async def _read(self, scope: Scope, receive: Receive, record: Record, security: Security) -> Call:
        """What is asked. An error is answered with how the caller's limits stand."""
        caller: Caller = scope["vgate.caller"]
        try:
            return await self._call(scope, receive, record, caller)
        except ApiError:
            record.headers = await security.headers(caller)
            raise

    async def _call(self, scope: Scope, receive: Receive, record: Record, caller: Caller) -> Call:
        settings = self._service.settings
        body = await read_json(scope, receive, settings.server.max_body_bytes, settings.server.client_timeout_s)
        if not isinstance(body.get("stream"), bool | None):
            raise BadRequest(f"stream must be true or false, got {body['stream']!r}", "stream")
        if self._service.stopping:
            raise Stopping
        deadline, asks = _deadline(scope, record.arrived, settings.server.deadline_ms), caching.asked(scope)
        if caller.models is not None:
            caller.check_model(body.get("model"), self._served())
        call = Call(
            new_id(),
            self._endpoint,
            body,
            caller.name,
            deadline,
            asks,
            trace=record.trace.headers if record.trace else None,
            shares_as=caller.cache_scope,
            priority=caller.priority,
        )
        record.call_id, record.stream, record.choices = call.id, call.stream, body.get("n") or 1
        record.user, record.model = _short(body.get("user")), _short(body.get("model"))
        return call

    def _served(self) -> str:
        """The model that a request means which names none."""
        settings = self._service.settings
        if self._service.engine.pool is not None and self._endpoint != "embeddings":
            return ""  # whatever its worker takes for it
        named = settings.embedding if self._endpoint == "embeddings" else settings.model
        return str(getattr(named, "public_name", ""))

    def _told(self, error: ApiError, record: Record) -> ApiError:
        """The same; of a model that is served but not here, that it is asked elsewhere: `/v1/models` lists all."""
        route = self._service.elsewhere(record.model, self._endpoint) if error.status == 404 else None
        if route is None:
            return error
        message = f"The model `{str(record.model)[:80]}` is asked at {route}, not here."
        return ApiError(404, message, "not_found_error", "model", "model_not_found")

    async def _settle(self, lease: Lease, record: Record) -> None:
        """Whatever became of the request. Where its generation goes on for others, it is charged when that is over."""
        if not record.generating:
            await lease.settle(record.spent)
            return
        record.when_over = lambda: self._settle_soon(lease, record)
        await lease.settle(None)

    def _settle_soon(self, lease: Lease, record: Record) -> None:
        task = asyncio.create_task(lease.settle(record.spent))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)


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


async def _send_stream(send: Send, record: Record, events: AsyncGenerator[Event, None], lease: Lease) -> None:
    """The first event decides: until it is there, an error still has its own status.

    With the last one the lease is settled before it is sent: its client may ask again as soon as it has it.
    """
    first = await anext(events)
    if first.usage is not None:
        await lease.settle(record.spent)
    await start(send, record, 200, _STREAM_HEADERS)
    await send({"type": "http.response.body", "body": first.data, "more_body": True})
    async for event in events:
        if event.usage is not None:
            await lease.settle(record.spent)
        await send({"type": "http.response.body", "body": event.data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
