"""Running a service: sockets, engine start, signals, shutdown."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from vgate.api.admin import build_admin
from vgate.api.app import build_app
from vgate.api.protocol import BoundedProtocol
from vgate.api.service import Service
from vgate.config.graph import graph_hash

logger = logging.getLogger(__name__)

_TICK_S = 0.05
_SEND_BUFFER_BYTES = 131072


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: ours end with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(service: Service, sock: socket.socket, admin: socket.socket | None = None) -> None:
    """Answer until SIGTERM or SIGINT, then let what is under way finish within the grace period.

    `/health` answers at once, `/ready` when the engine has loaded. Raises EngineStartError when that fails, and when an
    engine that has died cannot be restarted. Signals are ignored afterwards: the process is about to end.
    """
    admin_path = admin.getsockname() if admin else ""
    servers = [_server(build_app(service), service.settings.server.shutdown_grace_s)]
    sockets = [sock]
    if admin:
        servers.append(_server(build_admin(service), 1.0))
        sockets.append(admin)
    stopping = asyncio.Event()
    _stop_on_signals(service, servers, stopping)
    draining = asyncio.create_task(_drain(service, servers, stopping))
    starting = asyncio.create_task(_start(service, sock))
    serving = [asyncio.create_task(server.serve([s])) for server, s in zip(servers, sockets, strict=True)]
    starting.add_done_callback(lambda task: _stop_if_failed(task, servers))
    try:
        await asyncio.gather(*serving)
    finally:
        draining.cancel()
        if not starting.done():
            starting.cancel()
        await service.embedding.stop()
        await service.engine.stop()
        await service.close()
        if admin:
            _remove(admin_path)
        _ignore_signals()
    if not starting.cancelled() and starting.done() and (error := starting.exception()):
        raise error


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()


def _engines(service: Service) -> dict[str, str]:
    return {"engine": type(service.engine).__name__, "embedding": type(service.embedding).__name__}


async def _start(service: Service, sock: socket.socket) -> None:
    host, port = sock.getsockname()[:2]
    graph = graph_hash(service.settings)
    logger.info("listening", extra={"host": host, "port": port, **_engines(service), "graph": graph})
    # One after the other: each looks how much memory the one before has left.
    await service.engine.start()
    await service.embedding.start()
    _settle()
    logger.info("ready", extra={"host": host, "port": port})
    await _watch(service)


def _settle() -> None:
    """Leave what has been loaded out of all later searches for garbage; takes the time of one.

    With torch in the process each of them stops the event loop for half a second, about once a minute under load.
    """
    gc.collect()
    gc.freeze()


async def _watch(service: Service) -> None:
    """Keep both engines alive; raises what the one raises that gives up."""
    watching = [asyncio.ensure_future(watch) for watch in (service.engine.watch(), service.embedding.watch())]
    try:
        await asyncio.gather(*watching)
    finally:
        for watch in watching:
            watch.cancel()


def _server(app: Any, grace_s: float) -> _Server:
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Longer than clients keep an idle connection (httpx, so OpenAI's: 5 s), who else use it as it is being closed.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(grace_s)),  # whole seconds here; `_drain` knows better
    )
    return _Server(config)


def _stop_on_signals(service: Service, servers: list[_Server], stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, service, servers, stopping)


def _ignore_signals() -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


def _stop(service: Service, servers: list[_Server], stopping: asyncio.Event) -> None:
    """First signal: refuse new work, finish the old. Second: drop it."""
    for server in servers:
        server.force_exit = server.should_exit = service.stopping
    if not service.stopping:
        logger.info("stopping", extra={"grace_s": service.settings.server.shutdown_grace_s})
    service.stopping = True
    stopping.set()


async def _drain(service: Service, servers: list[_Server], stopping: asyncio.Event) -> None:
    """Go on listening, so that `/ready` and new requests get their 503, until all work is done or the grace is over."""
    await stopping.wait()
    loop = asyncio.get_running_loop()
    end = loop.time() + service.settings.server.shutdown_grace_s
    while any(server.server_state.tasks for server in servers) and loop.time() < end:  # noqa: ASYNC110  uvicorn rings no bell
        await asyncio.sleep(_TICK_S)
    for server in servers:
        # What is written but not yet sent has the rest of the time.
        server.config.timeout_graceful_shutdown = max(0, end - loop.time())  # type: ignore[assignment]
        server.should_exit = True


def _stop_if_failed(task: "asyncio.Task[None]", servers: list[_Server]) -> None:
    if task.cancelled() or task.exception() is None:
        return
    for server in servers:
        server.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Of every connection. By itself Linux lets it grow to 4 MB, which is a long answer for each client that stalls.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    try:
        sock.bind((host, port))
        sock.listen(2048)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def listen_unix(path: str) -> socket.socket:
    """A listening socket in the file system that only this user can open; raises OSError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        sock.bind(path)
        sock.listen(16)
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(mask)
    sock.setblocking(False)
    return sock
