"""One HTTP/1.1 connection to a worker: a request goes out, its answer comes in piece by piece.

Our own on httptools' parser, which the server already needs: beside aiohttp's client it takes a fifth of the time for a
whole answer and two thirds of it for a stream (`experiments/upstream_client.py`). For whole answers the difference is a
sixth of what the gateway takes in all.
"""

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable
from typing import cast

import httptools

from vgate.upstream.failures import Garbled, Lost, Silent, UpstreamError

# Of an answer that is not being read so much is kept, then the worker has to wait.
HIGH_WATER = 256 * 1024
MAX_HEAD_BYTES = 65536
# Of an answer that is taken as a whole.
MAX_WHOLE_BYTES = 1 << 28
PART = "part of the answer"


class Connection(asyncio.Protocol):
    """Carries one request at a time. `send`, `head`, then `more` until it gives b""; `abort` at any time.

    status, headers: of the answer, once `head` has returned; names in lower case.
    reusable:        the answer is over and the connection may carry another request.
    sent_at:         when the request was sent; idle_since: when the last answer was over, for whoever keeps it.
    when_over:       called once when the answer is over, or the connection.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.reusable = False
        self.sent_at = self.idle_since = 0.0
        self.closed = False
        self.used = 0
        self.when_over: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._size = 0
        self._head_size = 0
        self._begun = self._has_head = self._complete = self._paused = False
        self._error: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: TimerHandle | None = None
        self._due = self._since = 0.0
        self._limit: tuple[str, float, str] = ("", 0.0, "")

    # For whoever asks.

    def send(self, request: bytes) -> None:
        """Write a whole request."""
        assert self._transport is not None  # it is connected
        self.used += 1
        self.sent_at = self._loop.time()
        self.status, self.reusable = 0, False
        self.headers = {}
        self._head_size = 0
        self._begun = self._has_head = self._complete = False
        self.drop()
        self._transport.write(request)

    async def head(self, limit_s: float, key: str) -> None:
        """Return when status and headers are there. Raises UpstreamError."""
        since = self._loop.time()
        while not self._has_head:
            if self._error is not None:
                raise self._error
            await self._wait(since, "answer", limit_s, key)

    async def more(self, limit_s: float, key: str, since: float | None = None) -> bytes:
        """What has come of the body since, at least a byte; b"" at its end. Raises UpstreamError.

        The limit counts from now; with `since` from then, whatever has come meanwhile.
        """
        if since is None:
            since = 0.0 if self._body else self._loop.time()
        elif self._loop.time() >= since + limit_s:
            raise Silent(PART, limit_s, key)
        while not self._body:
            if self._complete:
                return b""
            if self._error is not None:
                raise self._error
            await self._wait(since, PART, limit_s, key)
        body = self._body
        data = body[0] if len(body) == 1 else b"".join(body)
        self.drop()
        return data

    async def rest(self, limit_s: float, key: str, since: float | None = None) -> bytes:
        """The whole body, within a limit that counts from now, or from `since`. Raises UpstreamError."""
        since = self._loop.time() if since is None else since
        data = await self.more(limit_s, key, since)
        if self._complete and not self._body:
            return data
        pieces, size = [data], len(data)
        while piece := await self.more(limit_s, key, since):
            pieces.append(piece)
            size += len(piece)
            if size > MAX_WHOLE_BYTES:
                raise Garbled(f"answered with more than {MAX_WHOLE_BYTES} bytes")
        return b"".join(pieces)

    def drop(self) -> None:
        """Forget what has come of the body."""
        self._body, self._size = [], 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    @property
    def reading(self) -> bool:
        """Whether more of an answer is to come."""
        return self._has_head and not self._complete and not self.closed

    def abort(self) -> None:
        """Close at once: the worker sees that nobody waits any more."""
        self.reusable, self.closed = False, True
        if self._transport is not None:
            self._transport.abort()

    async def _wait(self, since: float, phase: str, limit_s: float, key: str) -> None:
        self._since, self._limit = since, (phase, limit_s, key)
        if self._timer is None or self._due > since + limit_s:
            self._set_timer(since + limit_s)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _set_timer(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due, self._timer = due, self._loop.call_at(due, self._on_time)

    def _on_time(self) -> None:
        """One timer for all waits: set again for as long as somebody waits, and earlier only for a shorter limit."""
        self._timer = None
        if self._waiter is None:
            return
        phase, limit_s, key = self._limit
        if self._since + limit_s > self._loop.time():
            self._set_timer(self._since + limit_s)
        else:
            self._fail(Silent(phase, limit_s, key))
            self.abort()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: UpstreamError) -> None:
        if self._error is None:
            self._error = error
        self.closed, self.reusable = True, False
        self._wake()
        self._over()

    def _over(self) -> None:
        told, self.when_over = self.when_over, None
        if told is not None:
            told()

    # For the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has the same methods and another base

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._has_head and not self._complete and not self._framed() and exc is None:
            self._complete = True  # a body without a length goes on to the end of the connection
            self._wake()
        elif not self._complete:
            how = "closed the connection" if exc is None else "broke the connection"
            when = "in the midst of its answer" if self._begun else "before it answered"
            self._fail(Lost(f"{how} {when}", begun=self._begun))

    def _framed(self) -> bool:
        headers = self.headers
        return b"content-length" in headers or b"chunked" in headers.get(b"transfer-encoding", b"").lower()

    def data_received(self, data: bytes) -> None:
        if self._complete or not self.used:  # nobody has asked for it
            self.abort()
            return
        self._begun = True
        if not self._has_head:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(Garbled("answered something that is not HTTP/1.1"))
            self.abort()
            return
        if self._head_size > MAX_HEAD_BYTES and not self._has_head:
            self._fail(Garbled(f"answered with headers of more than {MAX_HEAD_BYTES} bytes"))
            self.abort()
            return
        if self._size > HIGH_WATER and self.reading and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    # For the parser.

    def on_message_begin(self) -> None:
        """After the whole answer nothing may come that nobody has asked for: it would be the next one's."""
        if self._complete:
            raise Garbled("answered twice")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:  # a trailer is no header
            self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # the answer itself is still to come
            self.headers = {}
        else:
            self.status, self._has_head = status, True

    def on_body(self, body: bytes) -> None:
        self._body.append(body)
        self._size += len(body)

    def on_message_complete(self) -> None:
        if not self._has_head:
            return
        self._complete = True
        self.idle_since = self._loop.time()
        # Whoever answers before he has read all of the request may take the rest of it for the next one.
        unread = self._transport is not None and self._transport.get_write_buffer_size() > 0
        self.reusable = self._parser.should_keep_alive() and not self.closed and not unread
        self._over()
