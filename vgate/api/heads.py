"""One write to the socket where uvicorn makes two: an answer's head goes out with the first of its body."""

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class _HeadKept:
    """A transport until the first of the body is there; from then on the cycle has its own again."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle
        self._transport = cycle.transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        if not self._cycle.response_started:
            self._transport.write(data)  # "100 Continue"
        elif self._head is None:
            self._head = data
        else:
            self._cycle.transport = self._transport
            self._transport.write(self._head + data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        """Without a body after all: the app has failed."""
        self._transport.close()


def keep_head(cycle: RequestResponseCycle) -> None:
    """Our apps have the first of a body at hand when they send its head, so nobody waits longer for either.

    Each write is a system call that may wake the client: one of them is a tenth of a request.
    """
    if cycle.scope["method"] != "HEAD":
        cycle.transport = cast("asyncio.Transport", _HeadKept(cycle))
