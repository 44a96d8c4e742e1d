"""ASGI apps that uvicorn's protocol puts in the place of ours: for what cannot be read, and for HTTP/1.0."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from vgate.api.asgi import Message, Receive, Scope, Send, new_id, send_error
from vgate.errors import ApiError
from vgate.observe.base import Observer
from vgate.record import Record


def refusing(error: ApiError, observer: Observer) -> Any:  # an ASGI app; uvicorn has types of its own for these
    """Answers with this error. The observer hears of it as of any other request: no route has seen it."""

    async def refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        record = Record(new_id(), "other", "other", loop.time())
        record.code = record.error = error.code or error.kind
        observer.started(record)
        try:
            await send_error(send, record, error)
        finally:
            record.finished = loop.time()
            observer.finished(record)

    return refuse


def unasked(app: Any, cycle: RequestResponseCycle) -> Any:
    """An app for a client that waits to be asked for its body; without that it may never send it.

    What follows could be that body or the next request, so nothing does: the connection ends with the answer (RFC 9110,
    10.1.1).
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if cycle.waiting_for_100_continue:
                cycle.keep_alive = False
            await send(message)

        await app(scope, receive, sent)

    return answer


def until_close(app: Any, cycle: RequestResponseCycle) -> Any:
    """An app for HTTP/1.0, which knows no chunks: what has no length ends with the connection (RFC 9112, 6.1)."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        unsized = False

        async def sent(message: Message) -> None:
            nonlocal unsized
            if message["type"] == "http.response.start":
                unsized = all(name.lower() != b"content-length" for name, _ in message["headers"])
                if unsized:
                    cycle.chunked_encoding = False
            elif unsized:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        cycle.waiting_for_100_continue = False  # nor this (RFC 9110, 10.1.1)
        await app(scope, receive, sent)

    return answer
