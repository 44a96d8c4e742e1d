"""Routes for whoever operates this server: on a Unix socket that only its owner can open, and behind a token by TCP."""

import logging
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from vgate.api.admin_cache import cache_routes, unreachable
from vgate.api.admin_door import MAX_BODY_BYTES
from vgate.api.admin_records import record_routes
from vgate.api.asgi import read_json
from vgate.api.dashboard import dashboard_routes
from vgate.api.http_errors import ERRORS_ANSWERED
from vgate.api.reload import Reloader
from vgate.api.service import Service
from vgate.build import reconfigure
from vgate.config import ConfigError, from_resolved
from vgate.config.graph import graph_hash
from vgate.errors import BadRequest

logger = logging.getLogger(__name__)

SWAPPABLE = frozenset({"routing", "queue", "batch", "cache", "dedup", "security", "limits"})


def build_admin(service: Service) -> Starlette:
    """`POST /swap` exchanges sections of the configuration and tells the graph hash of what is there now.

    The components of these sections are built anew, also of equal ones: limits begin with nothing used.
    `POST /reload` exchanges what the configuration's sources say now, see `Reloader`; `POST /reset` forgets answers and
    prefixes. `/cache` lists and deletes answers, see `cache_routes`; `/records` and `/gauges`: see `record_routes`;
    `/dashboard`: see `dashboard_routes`.
    """
    reloader = Reloader(service)

    async def swap(request: Request) -> JSONResponse:
        sections = await read_json(request.scope, request.receive, MAX_BODY_BYTES)
        if not sections.keys() <= SWAPPABLE:
            raise BadRequest(f"only these sections can be exchanged: {', '.join(sorted(SWAPPABLE))}")
        async with service.exchanging:
            try:
                settings = from_resolved(service.settings.model_dump(by_alias=True) | sections, "the swap request")
            except ConfigError as error:
                raise BadRequest(str(error)) from None
            reconfigure(service, settings, sections.keys())
        return JSONResponse({"ok": True, "graph": graph_hash(settings)})

    async def reload(_request: Request) -> JSONResponse:
        return JSONResponse({"ok": True, **asdict(await reloader.reload())})

    async def reset(_request: Request) -> JSONResponse:
        try:
            await service.gateway.cache.clear()
        except Exception as error:  # noqa: BLE001  whatever the client of a store raises
            return unreachable(error)
        await service.engine.reset()
        logger.info("answers and prefixes forgotten")
        return JSONResponse({"ok": True})

    posts = {"/swap": swap, "/reload": reload, "/reset": reset}
    own = [Route(path, answer, methods=["POST"]) for path, answer in posts.items()]
    routes = [*own, *cache_routes(service), *record_routes(service), *dashboard_routes(service)]
    return Starlette(routes=routes, exception_handlers=ERRORS_ANSWERED)
