"""A client that takes nothing of its answer is cut off: what waits for it is not kept for ever."""

from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Stalling(HttpToolsProtocol):
    """One connection, of whose answers something must be taken for every `client_timeout_s`."""

    def __init__(self, *args: Any, client_timeout_s: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timeout_s = client_timeout_s
        self._stalled: TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stalled = cancelled(self._stalled)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_progress()

    def resume_writing(self) -> None:
        self._stalled = cancelled(self._stalled)
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_progress()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._expect_progress()

    def _expect_progress(self) -> None:
        """The client must take something of what has been written; nothing is added meanwhile."""
        unsent = self.transport.get_write_buffer_size()
        if unsent and self._stalled is None:
            self._stalled = self.loop.call_later(self._timeout_s, self._on_stalled, unsent)

    def _on_stalled(self, before: int) -> None:
        self._stalled = None
        if self.transport.get_write_buffer_size() < before:
            self._expect_progress()
        else:
            self.transport.abort()


def cancelled(handle: TimerHandle | None) -> TimerHandle | None:
    """None, in the place of a timer that shall not ring."""
    if handle is not None:
        handle.cancel()
    return None
