"""uvicorn's HTTP/1.1 protocol, bounded in what a client may send and how long it may take, with errors as the API's."""

import asyncio
from asyncio import TimerHandle
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from vgate.api.asgi import REFUSED
from vgate.api.heads import keep_head
from vgate.api.parting import Parting
from vgate.api.refusal import refusing, unasked, until_close
from vgate.api.stalling import Stalling, cancelled
from vgate.errors import ApiError, Unfinished
from vgate.observe.base import Observer

MAX_HEADER_BYTES = 65536
MAX_PIPELINED = 16


class BoundedProtocol(Stalling):
    """One connection. Without bounds anybody could fill the memory, or hold connections for ever, before any key.

    A request must be whole `client_timeout_s` after it has begun. What cannot be read is refused, in its turn, and of
    what follows nothing is read.
    """

    def __init__(self, *args: Any, observer: Observer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._observer = observer
        self._reading = ""  # which part of a request: "head", "body", or "" between two
        self._frame_bytes = 0  # since the last byte of a body: request line, headers, sizes of chunks, trailers
        self._again = b""
        self._deaf = False
        self._running: RequestResponseCycle | None = None
        self._late: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        self._parting = Parting(transport, self.loop, self._ends_reading)
        super().connection_made(self._parting)
        self._expect_end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._late = cancelled(self._late)
        self._parting.lost()
        if self._running is not None and not self._running.response_complete:
            # uvicorn tells the newest of pipelined requests only.
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._deaf:
            self._parting.discarded(len(data))
            return
        self._expect_end()
        self._frame_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            self._refuse(error.__context__ if isinstance(error.__context__, ApiError) else _malformed())
        if self._frame_bytes > MAX_HEADER_BYTES:
            self._refuse(_too_large())

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = self._again + data[upgrade.args[0] :]
                # After a head that says `close` as well, the old one would read nothing more.
                self.parser = httptools.HttpRequestParser(self)
            else:
                return

    # What the parser tells.

    def on_message_begin(self) -> None:
        if self._deaf:
            raise ValueError("more requests than are read ahead")  # ends the parser's turn
        super().on_message_begin()
        self._reading = "head"
        self._expect_end()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._reading == "head":  # a trailer is no header (RFC 9110, 6.5.1)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            self._again = self._head_without_upgrade()
            return
        if sum(len(name) + len(value) + 4 for name, value in self.headers) + len(self.url) > MAX_HEADER_BYTES:
            raise _too_large()  # all of it came at once
        super().on_headers_complete()
        self._again = b""
        self._reading, self._frame_bytes = "body", 0
        # Also behind others, so that a client is seen to leave.
        self.flow.resume_reading()

    def on_body(self, body: bytes) -> None:
        self._frame_bytes = 0
        if self._deaf:
            return
        super().on_body(body)
        if self._queued and len(self.cycle.body) > HIGH_WATER_LIMIT:
            # Not kept until its turn comes. Who sends ahead must be ready to send again (RFC 9112, 9.3.2).
            self._drop_queued()
            self.flow.resume_reading()

    def on_message_complete(self) -> None:
        if self._again or self._deaf:
            return
        self._reading, self._frame_bytes = "", 0
        self._late = cancelled(self._late)
        super().on_message_complete()
        if len(self.pipeline) >= MAX_PIPELINED:
            self._deaf, self.cycle.keep_alive = True, False

    def _head_without_upgrade(self) -> bytes:
        """The same request for HTTP/1.1, which is all that is spoken here.

        With an offer of another protocol, as of HTTP/2 by Java's client, the parser takes no body for one of ours.
        """
        if self.parser.get_method() == b"CONNECT":
            raise ValueError("no tunnels")
        start = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        kept = [b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        return b"%b%b\r\n" % (start, b"".join(kept))

    # How long it takes.

    def _expect_end(self) -> None:
        """Of the request that begins, or of the silence before it."""
        if self._late is None:
            self._late = self.loop.call_later(self._timeout_s, self._on_late)

    def _on_late(self) -> None:
        self._late = None
        if self._reading == "head":
            self._refuse(Unfinished(self._timeout_s))
        elif self._reading == "body" and self._busy:
            self._expect_end()  # whoever reads the body minds the time, from its turn on
        elif not self._busy:
            self.transport.close()

    def _ends_reading(self) -> bool:
        """Whether the client was still sending."""
        sending = self._deaf or bool(self._reading)
        self._deaf = True
        return sending

    # Answering.

    @property
    def _busy(self) -> bool:
        return self._running is not None and not self.cycle.response_complete

    @property
    def _queued(self) -> bool:
        """Whether the newest request waits for the answers to others."""
        return bool(self.pipeline) and self.pipeline[0][0] is self.cycle

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        keep_head(cycle)
        if cycle.scope["http_version"] != "1.1":
            app = until_close(app, cycle)
        elif cycle.waiting_for_100_continue:
            app = unasked(app, cycle)
        super()._start_asgi_task(cycle, app)

    def _drop_queued(self) -> None:
        """Neither keep nor answer the newest request, nor read on."""
        self.pipeline.popleft()
        assert self._running is not None  # whose end it waited for
        self.cycle = self.pipeline[0][0] if self.pipeline else self._running
        self._deaf, self.cycle.keep_alive = True, False

    def _refuse(self, error: ApiError) -> None:
        """Answer what cannot be read, after all that came before it."""
        if self._deaf or self.transport.is_closing():
            return
        self._deaf, at_once, observer = True, not self._busy, self._observer
        if self._reading == "body":
            if self._queued:
                self.pipeline.popleft()
            elif self.cycle.response_started:
                self.cycle.keep_alive = False
                if self.cycle.response_complete:
                    self.transport.close()
                return
            else:  # it waits for the rest of its body; this is its answer
                self.cycle.scope["state"][REFUSED] = error
                self.cycle.disconnected = at_once = True
                observer = Observer()  # its route tells
                self.cycle.message_event.set()
        self.cycle = self._refusal()
        if at_once:
            self._start_asgi_task(self.cycle, refusing(error, observer))
        else:
            self.pipeline.appendleft((self.cycle, refusing(error, observer)))

    def _refusal(self) -> RequestResponseCycle:
        scope: Any = {"type": "http", "method": "GET", "http_version": "1.1", "headers": []}
        return RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )


def _malformed() -> ApiError:
    return ApiError(400, "Not a valid HTTP/1.1 request.", code="malformed_http")


def _too_large() -> ApiError:
    message = f"Headers, or what surrounds a body, take more than {MAX_HEADER_BYTES} bytes."
    return ApiError(431, message, code="headers_too_large")
