"""HTTP for measuring: one write, then one stamp per read. Nothing is decoded while the load runs."""

import contextlib
import errno
import os
import time
from http.client import HTTPException
from urllib.parse import urlsplit

from gevent import get_hub
from gevent.hub import Waiter
from gevent.socket import socket
from geventhttpclient.response import HTTPResponse

from vgate.harness.driver.connections import UNBOUNDED, Connections
from vgate.harness.exchange import OWN_FAULT, Exchange

READ_BYTES = 65536
READABLE = 1
now = time.monotonic_ns
# What this machine lacks for another connection: open files, local ports, memory. No server can help it.
LACKING = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


class Wire:
    """One server, at no more than `most` connections. `send` may run in many greenlets at once."""

    def __init__(self, base_url: str, api_key: str | None, most: int = UNBOUNDED) -> None:
        url = urlsplit(base_url)
        self._connections = Connections(url, most)
        authorization = f"Authorization: Bearer {api_key}\r\n" if api_key else ""
        self._head = f"Host: {url.netloc}\r\nContent-Type: application/json\r\n{authorization}X-Request-Id: "

    def request(self, path: str, body: bytes, request_id: str) -> bytes:
        """The bytes of a POST."""
        head = f"POST {path} HTTP/1.1\r\n{self._head}{request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def warm_up(self) -> None:
        """Open a connection for the first request: what a process does first takes it tens of milliseconds."""
        with contextlib.suppress(OSError):  # whoever cannot connect finds out when it counts
            self._connections.give_back(self._connections.take())

    def send(self, request: bytes, exchange: Exchange) -> None:
        """Send and read the answer to its end; everything seen goes into `exchange`, failures included."""
        try:
            sock = self._connections.take()
        except OSError as error:
            _fail(exchange, f"{OWN_FAULT if error.errno in LACKING else ''}cannot connect: {error}")
            return
        answer = Answer(exchange)
        try:
            exchange.t_send = now()
            sock.sendall(request)
            self._read(sock, answer)
        except OSError as error:
            _fail(exchange, error.strerror or str(error) or type(error).__name__)
        except HTTPException as error:
            _fail(exchange, f"not HTTP: {error.args[0]}")
        if answer.message_complete and not answer.should_close():
            self._connections.give_back(sock)
        else:
            self._connections.drop(sock)

    def _read(self, sock: socket, answer: "Answer") -> None:
        if self._connections.tls:
            while not answer.message_complete:
                answer.take(sock.recv(READ_BYTES))
        else:
            Reading(sock.fileno(), answer).wait()
        answer.sign()


def _fail(exchange: Exchange, error: str) -> None:
    exchange.error, exchange.t_end = error, now()


class Reading:
    """Reads an answer inside the event loop's own callback, without waking a greenlet for every token.

    That halves the delay between a token's arrival and its stamp when many answers stream at once.
    """

    def __init__(self, fd: int, answer: "Answer") -> None:
        hub = get_hub()
        self._fd = fd
        self._answer = answer
        self._waiter = Waiter(hub)
        self._watcher = hub.loop.io(fd, READABLE)

    def wait(self) -> None:
        """Return when the answer is complete; raises what `os.read` or the parser raised."""
        self._watcher.start(self._on_readable)
        try:
            self._waiter.get()
        finally:
            self._watcher.stop()
            self._watcher.close()

    def _on_readable(self) -> None:
        try:
            self._answer.take(os.read(self._fd, READ_BYTES))
        except BlockingIOError:
            return
        except (OSError, HTTPException) as error:
            self._watcher.stop()
            self._waiter.throw(error)
            return
        if self._answer.message_complete:
            self._watcher.stop()
            self._waiter.switch(None)


class Answer(HTTPResponse):
    """geventhttpclient's incremental parser, filling an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__("POST")
        self._exchange = exchange
        self._body = exchange.body = bytearray()
        self._last_read = 0

    def take(self, data: bytes) -> None:
        """The bytes of one read, which has just happened."""
        self._last_read = now()
        if not data:
            raise ConnectionError("the server closed the connection before the answer's end")
        known = len(self._body)
        self.feed(data)
        if len(self._body) > known:
            self._exchange.reads.append((self._last_read, len(self._body) - known))

    def sign(self) -> None:
        """Note how the answer ended."""
        self._exchange.t_end = self._last_read
        self._exchange.status = self.status_code
        cache = self.get("x-vgate-cache")
        self._exchange.cache = cache[0] if isinstance(cache, list) else cache

    def _on_body(self, buf: bytearray) -> None:
        self._body += buf
