"""The outermost layer: every request gets an id and a record, shows its key, and is counted once."""

import asyncio
import re
from collections.abc import Mapping

from vgate.api.asgi import App, Message, Receive, Scope, Send, header, labels, new_id, raw
from vgate.api.failures import CLIENT_LEFT, errors_answered
from vgate.api.service import Service
from vgate.record import Record

_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Edge:
    """Hands each request to its app: `direct` ones by path for POST, all others to `rest`.

    Direct apps have nothing between them and the server: each layer would cost time with every token.
    """

    def __init__(self, service: Service, direct: Mapping[str, App], rest: App, paths: frozenset[str]) -> None:
        self._service = service
        self._direct = direct
        self._rest = rest
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._rest(scope, receive, send)
            return
        record = self._record(scope)
        self._service.observer.started(record)
        try:
            async with errors_answered(send, record):
                await self._answer(scope, receive, send, record)
        finally:
            record.finished = asyncio.get_running_loop().time()
            record.status = record.status or CLIENT_LEFT
            self._service.observer.finished(record)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, record: Record) -> None:
        security = self._service.security
        caller = scope["vgate.caller"] = await security.identify(scope["path"], header(scope, b"authorization"))
        record.caller = caller.name
        direct = self._direct.get(scope["path"]) if scope["method"] == "POST" else None
        if direct is not None:
            await direct({**scope, "vgate.record": record}, receive, send)
        else:
            record.headers = await security.headers(caller)
            # The server sends no body for HEAD, whatever the answer to GET would be.
            asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self._rest(asked, receive, _labelled(send, record))

    def _record(self, scope: Scope) -> Record:
        given = header(scope, b"x-request-id")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else new_id()
        path, method = scope["path"], scope["method"]
        asks = method == "POST" and path in self._direct
        record = Record(
            request_id,
            endpoint=path if path in self._paths else "other",
            method=method if method in _METHODS else "other",
            arrived=asyncio.get_running_loop().time(),
            parting=self._service.leaving,
            timed=asks and self._service.settings.server.server_timing,
        )
        record.trace = self._service.tracing.begin(record, scope["headers"]) if asks else None
        return record


def _labelled(send: Send, record: Record) -> Send:
    """For apps that do not know the record: notes the status and adds its headers."""

    async def labelled(message: Message) -> None:
        if message["type"] == "http.response.start":
            record.status = message["status"]
            message["headers"] = [*message["headers"], *raw(labels(record))]
        await send(message)

    return labelled
