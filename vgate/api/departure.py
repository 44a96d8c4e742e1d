"""The end of a server, in the order in which clients notice least."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Sequence

import uvicorn

from vgate.api.service import Service

logger = logging.getLogger(__name__)

_TICK_S = 0.05
_LAST_WORDS_S = 1.0


class Departure:
    """What a signal begins. `public` is the socket of the first of the servers.

    For `drain_delay_s` all is answered still, but `/ready` is 503 and each answer ends its connection, so that clients
    and load balancers go elsewhere by themselves. Then new work is refused, and what is under way has the grace period.
    A second signal ends it all.
    """

    def __init__(self, service: Service, servers: Sequence[uvicorn.Server], public: socket.socket) -> None:
        self._service = service
        self._servers = servers
        self._public = public
        self._begun = asyncio.Event()
        self._accepted: list[asyncio.Task[object]] = []

    def signalled(self) -> None:
        """SIGTERM or SIGINT."""
        again, settings = self._begun.is_set(), self._service.settings.server
        for server in self._servers:
            server.force_exit = server.should_exit = again
        if not again:
            logger.info("stopping", extra={"delay_s": settings.drain_delay_s, "grace_s": settings.shutdown_grace_s})
        self._service.leaving = True
        self._service.stopping = again or not settings.drain_delay_s
        self._begun.set()

    async def drain(self) -> None:
        """From the first signal on. Goes on listening, so that what comes is told; but not where others listen too."""
        await self._begun.wait()
        settings, loop = self._service.settings.server, asyncio.get_running_loop()
        self._part()
        if settings.reuse_port:
            self._close_door()
        await _while(lambda: self._anybody or not settings.reuse_port, loop.time() + settings.drain_delay_s)
        self._service.stopping = True
        end = loop.time() + settings.shutdown_grace_s
        await _while(lambda: self._busy, end)
        if not settings.reuse_port:
            self._close_door()
            await _while(lambda: self._expecting, min(end, loop.time() + _LAST_WORDS_S))
            await _while(lambda: self._busy, end)
        for server in self._servers:
            # What is written but not yet sent has the rest of the time.
            server.config.timeout_graceful_shutdown = max(0, end - loop.time())  # type: ignore[assignment]
            server.should_exit = True

    async def drop(self) -> None:
        """What a second signal left, before the engine goes: it ends because the server stops, and says so."""
        left = {task for server in self._servers for task in server.server_state.tasks}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=_LAST_WORDS_S)

    @property
    def _busy(self) -> bool:
        return any(server.server_state.tasks for server in self._servers)

    @property
    def _expecting(self) -> bool:
        """Whether somebody has come in who has not asked anything yet, nor been told that it is too late."""
        silent = (getattr(there, "cycle", None) is None for there in self._servers[0].server_state.connections)
        return any(silent) or not all(taken.done() for taken in self._accepted)

    @property
    def _anybody(self) -> bool:
        """Whether somebody could still ask."""
        return bool(self._servers[0].server_state.connections) or not all(taken.done() for taken in self._accepted)

    def _part(self) -> None:
        """Answers under way end their connections too."""
        for server in self._servers:
            for connection in server.server_state.connections:
                cycle = getattr(connection, "cycle", None)
                if cycle is not None and not cycle.response_complete:
                    cycle.keep_alive = False

    def _close_door(self) -> None:
        """Whoever comes now goes to another server at this port, or to none; who is at the door already is let in.

        Closing it resets connections that the kernel has made and nobody has taken.
        """
        server, loop = self._servers[0], asyncio.get_running_loop()
        with contextlib.suppress(OSError):  # there is nobody more, or it is closed already
            while True:
                connection, _ = self._public.accept()
                connection.setblocking(False)
                taken = loop.connect_accepted_socket(self._protocol, connection, ssl=server.config.ssl)
                self._accepted.append(loop.create_task(taken))
        for listener in getattr(server, "servers", ()):  # not there in its first moments
            listener.close()

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes it for those whom it takes itself."""
        server = self._servers[0]
        made: asyncio.Protocol = server.config.http_protocol_class(  # type: ignore[call-arg]
            config=server.config, server_state=server.server_state, app_state=server.lifespan.state
        )
        return made


async def _while(going_on: Callable[[], bool], end: float) -> None:
    """Until it does not go on, or the event loop's time is `end`."""
    loop = asyncio.get_running_loop()
    while going_on() and loop.time() < end:  # noqa: ASYNC110  uvicorn rings no bell
        await asyncio.sleep(_TICK_S)
