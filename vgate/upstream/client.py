"""Requests to workers: what goes over the wire, on which connection, and what comes back first."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from vgate.upstream.connection import Connection
from vgate.upstream.connections import Connections, Dial, Origin, dialled
from vgate.upstream.failures import Lost
from vgate.workers.worker import Worker

# An idle connection that its server was just closing is found out within this; later, the worker itself has failed.
_STALE_S = 1.0
_FORGET_S = 600.0
FIRST = "engine.timeouts.first_byte_s"
BETWEEN = "engine.timeouts.between_s"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. Takes the keys of the section `timeouts`."""

    connect_s: float
    first_byte_s: float
    between_s: float


class _Line:
    """What is kept for one worker."""

    __slots__ = ("_authorization", "_fields", "asked", "connections", "origin", "worker")

    def __init__(self, worker: Worker, timeouts: Timeouts, keep_s: float, dial: Dial) -> None:
        self.worker = worker
        self.asked = 0.0
        self.origin = Origin.of(worker.url)
        self.connections = Connections(self.origin, timeouts.connect_s, keep_s, dial)
        self._authorization: str | None = None
        self._fields = ""

    @property
    def fields(self) -> str:
        """The headers that all requests have. A worker's key may change while the server runs."""
        authorization = self.worker.authorization
        if not self._fields or authorization != self._authorization:
            key = f"Authorization: {authorization}\r\n" if authorization else ""
            self._fields = f"Host: {self.origin.authority}\r\n{key}User-Agent: vgate\r\nAccept: */*\r\n"
            self._authorization = authorization
        return self._fields


class Client:
    """Asks workers, each over connections of its own. A worker's key goes to that worker, and no client's to any."""

    def __init__(self, timeouts: Timeouts, keep_s: float, dial: Dial = dialled) -> None:
        self.timeouts = timeouts
        self._keep_s = keep_s
        self._dial = dial
        self._lines: dict[Worker, _Line] = {}  # not by URL: one that left and came back is another, with the same

    async def post(self, worker: Worker, path: str, body: bytes, headers: Mapping[str, str]) -> Connection:
        """Send JSON to a path of the API, such as `/v1/completions`; the answer's status and headers are there.

        Raises UpstreamError. Give the connection back with `over`, or abort it.
        """
        line = self._line(worker)
        told = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = (
            f"POST {line.origin.base}{path} HTTP/1.1\r\n{line.fields}Content-Type: application/json\r\n"
            f"{told}Content-Length: {len(body)}\r\n\r\n"
        )
        return await self._ask(line, head.encode("latin-1") + body)

    async def get(self, worker: Worker, path: str) -> tuple[int, bytes]:
        """Status and body of a path: how workers are checked. Raises OSError when there is no answer."""
        line = self._line(worker)
        head = f"GET {line.origin.base}{path} HTTP/1.1\r\n{line.fields}\r\n"
        connection = await self._ask(line, head.encode("latin-1"))
        try:
            body = await connection.rest(self.timeouts.between_s, BETWEEN)
            return connection.status, body
        finally:
            self.over(worker, connection)

    async def _ask(self, line: _Line, request: bytes) -> Connection:
        """On a connection that is open, if there is one; if its server has closed it, once more on a new one."""
        loop = asyncio.get_running_loop()
        line.asked = sent = loop.time()
        connection = line.connections.idle()
        if connection is not None:
            try:
                return await self._sent(connection, request)
            except Lost as lost:
                if lost.begun or loop.time() - sent > _STALE_S:
                    raise
        return await self._sent(await line.connections.new(), request)

    async def _sent(self, connection: Connection, request: bytes) -> Connection:
        try:
            connection.send(request)
            await connection.head(self.timeouts.first_byte_s, FIRST)
        except BaseException:
            connection.abort()
            raise
        return connection

    def over(self, worker: Worker, connection: Connection) -> None:
        """The answer has been read to its end; or nobody wants the rest, and the worker sees the connection close."""
        self._line(worker).connections.give_back(connection)

    def _line(self, worker: Worker) -> _Line:
        line = self._lines.get(worker)
        if line is None:
            self._forget_old()
            line = self._lines[worker] = _Line(worker, self.timeouts, self._keep_s, self._dial)
        return line

    def _forget_old(self) -> None:
        """Those of workers that have left are not asked for anything any more, not even how they are."""
        oldest = asyncio.get_running_loop().time() - _FORGET_S
        for worker in [worker for worker, line in self._lines.items() if line.asked < oldest]:
            self._lines.pop(worker).connections.close()

    def close(self) -> None:
        """Close all idle connections; others when they are given back."""
        for line in self._lines.values():
            line.connections.close()
