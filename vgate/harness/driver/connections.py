"""Keep-alive connections to one server."""

import errno
from urllib.parse import SplitResult

from gevent import monkey
from gevent.socket import IPPROTO_TCP, TCP_NODELAY, socket
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool

UNBOUNDED = 1_000_000  # a pool that makes requests wait for each other would close an open loop
POLLIN = 1
_poll = monkey.get_original("select", "poll")  # gevent's own would go through the event loop


class Connections:
    """Idle ones are used again, last in first out; there is always another one to be had, up to `most` of them."""

    def __init__(self, url: SplitResult, most: int = UNBOUNDED) -> None:
        self._most = self._left = most
        self.tls = url.scheme == "https"
        host, port = url.hostname or "127.0.0.1", url.port or (443 if self.tls else 80)
        pool = SSLConnectionPool if self.tls else ConnectionPool
        self._opener = pool(host, port, host, port, size=UNBOUNDED)
        self._idle: list[socket] = []

    def take(self) -> socket:
        """A connection that the server has not closed. Raises OSError when none can be opened, or there are `most`."""
        while self._idle:
            sock = self._idle.pop()
            if _is_quiet(sock):
                return sock
            self.drop(sock)
        if not self._left:
            raise OSError(errno.EMFILE, f"it has {self._most} connections open, as many as it may (ulimit -Hn)")
        self._left -= 1
        try:
            sock = self._opener.get_socket()
        except BaseException:
            self._left += 1
            raise
        sock.settimeout(None)  # the trial's own limits decide; a timer for every read would cost more than the read
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        return sock

    def give_back(self, sock: socket) -> None:
        """For the next request; only after a complete answer that leaves the connection open."""
        self._idle.append(sock)

    def drop(self, sock: socket) -> None:
        """Close one that was taken."""
        sock.close()
        self._left += 1


def _is_quiet(sock: socket) -> bool:
    """An idle connection with something to read has been closed by the server."""
    poll = _poll()
    poll.register(sock.fileno(), POLLIN)
    return not poll.poll(0)
