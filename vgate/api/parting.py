"""Closing a connection whose client still sends.

A socket that is closed with something unread answers with a reset, on which the client's side throws away what it has
not read yet: the very answer that says why. So nothing more is written (a half-close), what still comes is read and
thrown away for a while, and then it is closed (RFC 9112, 9.6).
"""

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable
from typing import Any

LINGER_S = 5.0
LINGER_BYTES = 1 << 26


class Parting(asyncio.Transport):
    """A connection's transport. It is the same but for `close`.

    is_sending: asked when it is closed, whether something may still come; then nothing of that is wanted any more, and
    `discarded` is to be told of it. By TLS there is no half-close, but the rest is the same.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, is_sending: Callable[[], bool]):
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._is_sending = is_sending
        self._parted = False
        self._left = LINGER_BYTES
        self._end: TimerHandle | None = None
        self.write = transport.write  # type: ignore[method-assign]  # it comes with every token: no call in between

    def close(self) -> None:
        if self._parted or self._transport.is_closing():
            return
        self._parted = True
        if not self._is_sending():
            self._transport.close()
            return
        self.write = _nowhere  # type: ignore[method-assign]  # as a closed transport takes it
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()
        self._end = self._loop.call_later(LINGER_S, self._transport.close)

    def discarded(self, size: int) -> None:
        """So many bytes have come that nobody wants."""
        if self._parted:
            self._left -= size
            if self._left < 0:
                self._transport.close()

    def lost(self) -> None:
        """There is no connection any more."""
        self._parted = True
        if self._end is not None:
            self._end.cancel()

    def is_closing(self) -> bool:
        return self._parted or self._transport.is_closing()

    def abort(self) -> None:
        self._transport.abort()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)


def _nowhere(data: bytes | bytearray | memoryview) -> None:  # noqa: ARG001  as `Transport.write`
    return
