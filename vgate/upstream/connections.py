"""Connections to one server, kept open between requests."""

import asyncio
import functools
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from vgate.upstream.connection import Connection
from vgate.upstream.failures import Silent, Unreachable

_LINGER_S = 1.0
_SWEEP_S = 0.1


class Origin(NamedTuple):
    """Where a server is. base: what stands before the paths of the API, without `/v1`; authority: for `Host`."""

    host: str
    port: int
    tls: bool
    base: str
    authority: str

    @classmethod
    def of(cls, url: str) -> Self:
        """From a URL such as `http://10.0.0.5:8000` or `https://host/proxy/v1`."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        base = parts.path.rstrip("/").removesuffix("/v1")
        host = parts.hostname or ""
        return cls(host, parts.port or (443 if tls else 80), tls, base, parts.netloc.rpartition("@")[2])


Dial = Callable[[Origin], Awaitable[Connection]]


@functools.cache
def _context() -> ssl.SSLContext:
    """One for all: reading the authorities takes longer than a request."""
    return ssl.create_default_context()


async def dialled(origin: Origin) -> Connection:
    """A new connection. Raises OSError."""
    context = _context() if origin.tls else None
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, origin.host, origin.port, ssl=context)
    return connection


class Connections:
    """The one used last is used next, so that those which are not needed grow old and are closed.

    keep_s: so long an idle one is kept. Shorter than servers keep theirs (uvicorn, so vLLM's: 5 s), for a request on a
    connection that is just being closed is lost.
    """

    def __init__(self, origin: Origin, connect_timeout_s: float, keep_s: float, dial: Dial = dialled) -> None:
        self._origin = origin
        self._connect_timeout_s = connect_timeout_s
        self._keep_s = keep_s
        self._dial = dial
        self._idle: deque[Connection] = deque()
        self._lingering: dict[Connection, asyncio.TimerHandle] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    def idle(self) -> Connection | None:
        """An open connection that has carried a request before, if there is one."""
        oldest = asyncio.get_running_loop().time() - self._keep_s
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    async def new(self) -> Connection:
        """A new connection. Raises Unreachable, or Silent when it takes too long."""
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return await self._dial(self._origin)
        except TimeoutError:
            raise Silent("connection", self._connect_timeout_s, "engine.timeouts.connect_s") from None
        except OSError as error:
            raise Unreachable(f"cannot be reached: {error.strerror or type(error).__name__}") from None

    def give_back(self, connection: Connection) -> None:
        """All of its answer that is wanted has been read. One of which more comes than its end is closed."""
        if connection.reading and not self._closed:
            # After `[DONE]` the end of the body is still under way.
            self._lingering[connection] = asyncio.get_running_loop().call_later(_LINGER_S, connection.abort)
            connection.when_over = lambda: self._lingered(connection)
            return
        if not connection.reusable or self._closed:
            connection.abort()
            return
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._keep_s, self._close_old)

    def _lingered(self, connection: Connection) -> None:
        self._lingering.pop(connection).cancel()
        self.give_back(connection)

    def _close_old(self) -> None:
        self._sweep, loop = None, asyncio.get_running_loop()
        oldest = loop.time() - self._keep_s
        while self._idle and (self._idle[0].closed or self._idle[0].idle_since <= oldest):
            self._idle.popleft().abort()
        if self._idle:
            self._sweep = loop.call_later(max(_SWEEP_S, self._idle[0].idle_since - oldest), self._close_old)

    def close(self) -> None:
        """Close those that carry no request; others are closed when they are given back."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in list(self._lingering):
            connection.abort()
        while self._idle:
            self._idle.pop().abort()
