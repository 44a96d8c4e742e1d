"""What runs in a replica: an engine behind V-Gate's own HTTP, for the gateways alone."""

import asyncio
import hmac
import logging
import secrets
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.responses import JSONResponse

from vgate.api.app import build_app
from vgate.api.asgi import App, Receive, Scope, Send, header
from vgate.api.server import server_of
from vgate.api.service import Service
from vgate.api.sockets import listen
from vgate.build import build_service
from vgate.clock import precise_loop
from vgate.config import from_resolved
from vgate.engine.ray_scaling import ONGOING
from vgate.errors import BadRequest, EngineStartError
from vgate.observe.logs import configure

logger = logging.getLogger(__name__)

T = TypeVar("T")

_TICK_S = 0.05


class Gate:
    """Lets in who has the key, and counts the requests under way."""

    def __init__(self, key: str, app: App) -> None:
        self._expected = f"Bearer {key}".encode()
        self._app = app
        self.ongoing = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not hmac.compare_digest((header(scope, b"authorization") or "").encode(), self._expected):
            error = BadRequest("This replica answers its gateways only.", code="invalid_api_key")
            await JSONResponse(error.body(), 401)(scope, receive, send)
            return
        working = scope["method"] == "POST"
        self.ongoing += working
        try:
            await self._app(scope, receive, send)
        finally:
            self.ongoing -= working


class Hosted:
    """A service that listens, in the event loop it was started in. `url` and `key` are how a gateway asks it."""

    def __init__(self, service: Service, host: str) -> None:
        self.key = secrets.token_urlsafe(24)
        self._service = service
        self._gate = Gate(self.key, build_app(service))
        self._socket = listen(host, 0)
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self._socket.getsockname()[1]}"
        server = service.settings.server
        self._server = server_of(self._gate, server.shutdown_grace_s, server.client_timeout_s, service.observer)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def ongoing(self) -> int:
        """Requests under way."""
        return self._gate.ongoing

    async def start(self) -> None:
        """Load the engine, then listen. Raises EngineStartError."""
        service = self._service
        service.recent.begin(asyncio.get_running_loop().time())
        await service.engine.start()
        await service.embedding.start()
        self._tasks = [
            asyncio.create_task(service.engine.watch()),
            asyncio.create_task(self._server.serve([self._socket])),
        ]

    def why_not(self) -> str:
        """Why it is not well, in one line; "" when it is."""
        for task in self._tasks:
            if task.done():
                return str(task.exception() or "it has stopped") if not task.cancelled() else "it is stopping"
        return "" if self._service.engine.ready else "the engine is not ready"

    async def end(self, known_after_s: float, limit_s: float) -> None:
        """Finish what is under way. Until gateways know that it goes, it takes new requests too."""
        loop = asyncio.get_running_loop()
        end = loop.time() + limit_s
        await asyncio.sleep(min(known_after_s, limit_s))
        self._service.stopping = True
        while self.ongoing and loop.time() < end:  # noqa: ASYNC110  nobody rings
            await asyncio.sleep(_TICK_S)
        self._tasks[0].cancel()
        self._server.should_exit = self._server.force_exit = True
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._service.engine.stop()


class Replica:
    """A deployment of Ray Serve; the methods that are not V-Gate's own are those that Serve looks for.

    digest:        of all that decides what it is.
    settings:      of `vgate.config.replica.replica_of`, resolved.
    host:          the address to listen on; None: the node's.
    known_after_s: by then gateways have been told that a replica goes.
    drain_s:       how long requests may take then.

    The service has a thread and an event loop of its own: uvloop, which Serve's is not, and no neighbours.
    """

    async def __init__(  # type: ignore[misc]  # Serve awaits it
        self, digest: str, settings: dict[str, Any], host: str | None, known_after_s: float, drain_s: float
    ) -> None:
        self._digest = digest
        self._leaving_s = known_after_s, drain_s
        self._loop = precise_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True, name="vgate").start()
        self._hosted = await self._there(_host(settings, host or _node_address()))

    def address(self) -> tuple[str, str, str]:
        """Its id, its URL and its key."""
        from ray import serve

        return serve.get_replica_context().replica_id.unique_id, self._hosted.url, self._hosted.key

    def digest(self) -> str:
        """What it was started with."""
        return self._digest

    def hurry(self) -> None:
        """Its gateway is stopping: nobody has to be told that it goes."""
        self._leaving_s = 0.0, self._leaving_s[1]

    def check_health(self) -> None:
        """Raises when it should be replaced."""
        if why := self._hosted.why_not():
            raise RuntimeError(why)

    def record_autoscaling_stats(self) -> dict[str, float]:
        """What `ray_scaling.by_ongoing_requests` goes by."""
        return {ONGOING: float(self._hosted.ongoing)}

    async def __del__(self) -> None:
        await self._there(self._hosted.end(*self._leaving_s))

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


async def _host(settings: dict[str, Any], host: str) -> Hosted:
    read = from_resolved(settings, "Ray")
    configure(read.logging.level, read.logging.json_format, sys.stderr)
    hosted = Hosted(build_service(read), host)
    try:
        await hosted.start()
    except EngineStartError as error:
        raise RuntimeError(str(error)) from None
    return hosted


def _node_address() -> str:
    import ray

    return str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call]
