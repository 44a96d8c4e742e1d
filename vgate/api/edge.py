"""The outermost layer: every request gets an id and a record, shows its key, and is counted once."""

import asyncio
import re
import uuid

from vgate.api.asgi import App, Message, Receive, Scope, Send, header
from vgate.api.failures import CLIENT_LEFT, errors_answered
from vgate.api.service import Service
from vgate.types import Record

_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


class Edge:
    """Wraps the routes. Metrics' labels are the known paths and methods, or "other"."""

    def __init__(self, app: App, service: Service, paths: frozenset[str]) -> None:
        self._app = app
        self._service = service
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = self._record(scope)
        scope["vgate.record"] = record
        self._service.observer.started(record)
        try:
            await self._answer(scope, receive, send, record)
        finally:
            record.finished = asyncio.get_running_loop().time()
            record.status = record.status or CLIENT_LEFT
            self._service.observer.finished(record)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, record: Record) -> None:
        """Ask for the key, then run the routes; the record learns the status, the answer its headers."""

        async def send_labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message["headers"], *_labels(record)]
            await send(message)

        async with errors_answered(send_labelled, record):
            admission = self._service.security.admit(scope["path"], header(scope, b"authorization"))
            record.caller, record.headers = admission.caller, admission.headers
            await self._app(scope, receive, send_labelled)

    def _record(self, scope: Scope) -> Record:
        given = header(scope, b"x-request-id")
        request_id = given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        path, method = scope["path"], scope["method"]
        return Record(
            request_id,
            endpoint=path if path in self._paths else "other",
            method=method if method in _METHODS else "other",
            arrived=asyncio.get_running_loop().time(),
        )


def _labels(record: Record) -> list[tuple[bytes, bytes]]:
    headers = {"x-request-id": record.request_id, **record.headers}
    if record.cache:
        headers["x-vgate-cache"] = record.cache
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
