"""Running a service: sockets, engine start, signals, shutdown."""

import asyncio
import contextlib
import gc
import ipaddress
import logging
import signal
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from vgate.admin.base import Admin
from vgate.admin.none import NoAdmin
from vgate.api.admin import build_admin
from vgate.api.admin_door import Door
from vgate.api.app import build_app
from vgate.api.departure import Departure
from vgate.api.protocol import BoundedProtocol
from vgate.api.reload import Reloader
from vgate.api.service import Service
from vgate.config.graph import graph_hash
from vgate.config.security_schema import OpenSettings
from vgate.config.server_schema import TlsSettings
from vgate.observe.access import LogObserver
from vgate.observe.base import Observer

logger = logging.getLogger(__name__)

# So often a server that has started without being ready is looked at, until it is.
_LOOK_S = 0.1


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: ours end with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True)
class Doors:
    """Where a server listens. public: clients; unix: its operator, by file permissions; port: by `admin`'s token."""

    public: socket.socket
    unix: socket.socket | None = None
    port: socket.socket | None = None
    admin: Admin = field(default_factory=NoAdmin)


async def serve(service: Service, doors: Doors) -> None:
    """Answer until SIGTERM or SIGINT, then let what is under way finish within the grace period. SIGHUP reloads.

    `/health` answers at once, `/ready` when the engine has loaded and, where it has workers, one of them is ready.
    Raises EngineStartError when loading fails, and when an engine that has died cannot be restarted. Signals are
    ignored afterwards: the process is about to end.
    """
    admin_path = doors.unix.getsockname() if doors.unix else ""
    behind = list(_behind(service, doors))
    servers = [server for server, _ in behind]
    departure = Departure(service, servers, doors.public)
    _stop_on_signals(departure)
    _reload_on_signal(service)
    draining = asyncio.create_task(departure.drain())
    starting = asyncio.create_task(_start(service, doors))
    serving = [asyncio.create_task(server.serve([sock])) for server, sock in behind]
    starting.add_done_callback(lambda task: _stop_if_failed(task, servers))
    try:
        await asyncio.gather(*serving)
    finally:
        draining.cancel()
        if not starting.done():
            starting.cancel()
        await departure.drop()
        await service.embedding.stop()
        await service.engine.stop()
        await service.close()
        await service.tracing.close()
        if admin_path:
            _remove(admin_path)
        _ignore_signals()
    if not starting.cancelled() and starting.done() and (error := starting.exception()):
        raise error


def _behind(service: Service, doors: Doors) -> Iterator[tuple[_Server, socket.socket]]:
    """What answers at each door."""
    server = service.settings.server
    timeout_s, tls = server.client_timeout_s, _tls(server.tls)
    yield server_of(build_app(service), server.shutdown_grace_s, timeout_s, service.observer, **tls), doors.public
    log = LogObserver(lambda: service.settings.logging)  # of the operator's own requests nothing is counted
    operating = build_admin(service)
    if doors.unix:
        yield server_of(operating, 1.0, timeout_s, log), doors.unix
    if doors.port:
        yield server_of(Door(doors.admin, operating), 1.0, timeout_s, log), doors.port


def _tls(settings: TlsSettings) -> dict[str, Any]:
    """The options of uvicorn for it."""
    if not settings.on:
        return {}
    certificates = {"ssl_certfile": settings.cert_file, "ssl_keyfile": settings.key_file}
    ca = settings.client_ca_file
    clients = {"ssl_ca_certs": ca, "ssl_cert_reqs": ssl.CERT_REQUIRED} if ca else {}
    return {**certificates, **clients, "ssl_keyfile_password": settings.password}


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()


def _engines(service: Service) -> dict[str, str]:
    return {"engine": type(service.engine).__name__, "embedding": type(service.embedding).__name__}


async def _start(service: Service, doors: Doors) -> None:
    host, port = doors.public.getsockname()[:2]
    about = {"tls": service.settings.server.tls.on, **_engines(service), "graph": graph_hash(service.settings)}
    service.recent.begin(asyncio.get_running_loop().time())
    logger.info("listening", extra={"host": host, "port": port, **about})
    if isinstance(service.settings.security, OpenSettings) and not _is_loopback(host):
        logger.warning("whoever reaches this address may ask: there are no keys (security=keys)", extra={"host": host})
    if doors.port:
        _tell_admin_port(doors.port)
    # One after the other: each looks how much memory the one before has left.
    await service.engine.start()
    await service.embedding.start()
    _settle()
    await _watch(service, {"host": host, "port": port})


def _tell_admin_port(sock: socket.socket) -> None:
    host, port = sock.getsockname()[:2]
    logger.info("admin port listening", extra={"host": host, "port": port})
    if not _is_loopback(host):
        logger.warning("the admin port can be reached from elsewhere, and its token travels unencrypted")


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


def _settle() -> None:
    """Leave what has been loaded out of all later searches for garbage; takes the time of one.

    With torch in the process each of them stops the event loop for half a second, about once a minute under load.
    """
    gc.collect()
    gc.freeze()


async def _tell_ready(service: Service, at: dict[str, Any]) -> None:
    """Log `ready` when `/ready` says so for the first time: an engine has started before its workers are ready."""
    if service.engine.pool is not None and not service.engine.ready:
        logger.warning("waiting for workers", extra=at)
    while not service.ready:  # noqa: ASYNC110  two engines and a way to leave ring no bell
        await asyncio.sleep(_LOOK_S)
    logger.info("ready", extra=at)


async def _watch(service: Service, at: dict[str, Any]) -> None:
    """Keep both engines alive; raises what the one raises that gives up."""
    watched = (_tell_ready(service, at), service.engine.watch(), service.embedding.watch())
    watching = [asyncio.ensure_future(watch) for watch in watched]
    try:
        await asyncio.gather(*watching)
    finally:
        for watch in watching:
            watch.cancel()


def server_of(app: Any, grace_s: float, client_timeout_s: float, observer: Observer, **tls: Any) -> _Server:
    """What answers at a socket; `tls` are options of uvicorn."""
    config = uvicorn.Config(
        app,
        http=partial(BoundedProtocol, client_timeout_s=client_timeout_s, observer=observer),  # type: ignore[arg-type]  # it is only called
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody asks who the client is, so no header may say, and no layer need look
        # Longer than clients keep an idle connection (httpx, so OpenAI's: 5 s), who else use it as it is being closed.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(grace_s)),  # whole seconds here; `_drain` knows better
        **tls,
    )
    return _Server(config)


def _stop_on_signals(departure: Departure) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, departure.signalled)


def _reload_on_signal(service: Service) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, Reloader(service).reload_soon)
    # `vgate.serve` holds it back until here, where it is handled; it would have ended the process.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def _ignore_signals() -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


def _stop_if_failed(task: "asyncio.Task[None]", servers: list[_Server]) -> None:
    if task.cancelled() or task.exception() is None:
        return
    for server in servers:
        server.should_exit = True
