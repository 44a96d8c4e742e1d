"""A dry-run server and its admin routes on TCP ports of their own, behind a token, in a thread of this process."""

import asyncio
import contextlib
import hmac
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn

from vgate.api.admin import build_admin
from vgate.api.app import build_app
from vgate.api.asgi import App, Receive, Scope, Send, header
from vgate.api.service import Service
from vgate.build import build_service
from vgate.clock import precise_loop
from vgate.config import compose

TOKEN = "a-token-of-the-tests"


def behind_token(app: App) -> App:
    """Every route but the page itself wants the token."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        given = header(scope, b"authorization") or ""
        if scope["path"] == "/dashboard" or hmac.compare_digest(given, f"Bearer {TOKEN}"):
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    return guarded


class Live:
    """`start` and `stop` it any number of times: it comes back on the same ports."""

    def __init__(self, *overrides: str) -> None:
        self._settings = compose("serve", ["+preset=dry_run", *overrides]).settings
        self._ports = [0, 0]
        self.service: Service

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self._ports[1]}"

    def start(self) -> None:
        self._ready, self._servers = threading.Event(), []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(30), "the server did not start"

    def stop(self) -> None:
        for server in self._servers:
            server.should_exit = server.force_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=precise_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.service = service = build_service(self._settings)
        await service.engine.start()
        await service.embedding.start()
        sockets = [socket.create_server(("127.0.0.1", port)) for port in self._ports]
        self._ports = [sock.getsockname()[1] for sock in sockets]
        self._servers = [_server(build_app(service)), _server(behind_token(build_admin(service)))]
        serving = [
            asyncio.create_task(_alone(server, sock)) for server, sock in zip(self._servers, sockets, strict=True)
        ]
        self._ready.set()
        await asyncio.gather(*serving)
        await service.embedding.stop()
        await service.engine.stop()
        await service.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: Any) -> _Server:
    return _Server(uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False))


async def _alone(server: _Server, sock: socket.socket) -> None:
    await server.serve([sock])
    sock.close()
