"""Routes for whoever operates this server, on a Unix socket that only its owner can open."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from vgate.api.admin_cache import cache_routes, unreachable
from vgate.api.admin_records import record_routes
from vgate.api.service import Service
from vgate.build import reconfigure
from vgate.config import ConfigError, from_resolved
from vgate.config.graph import graph_hash
from vgate.errors import ApiError

SWAPPABLE = frozenset({"queue", "batch", "cache", "dedup", "security"})


def build_admin(service: Service) -> Starlette:
    """`POST /swap` exchanges sections of the configuration and tells the graph hash of what is there now.

    `POST /reset` forgets answers and prefixes. `/cache` lists and deletes answers, see `cache_routes`.
    `/records` and `/gauges` are for the harness, see `record_routes`.
    """

    async def swap(request: Request) -> JSONResponse:
        try:
            sections = await request.json()
        except ValueError:
            return _refused("the body must be JSON: {section: {...}}")
        if not isinstance(sections, dict) or not sections.keys() <= SWAPPABLE:
            return _refused(f"only these sections can be exchanged: {', '.join(sorted(SWAPPABLE))}")
        try:
            settings = from_resolved(service.settings.model_dump(by_alias=True) | sections, "the swap request")
        except ConfigError as error:
            return _refused(str(error))
        reconfigure(service, settings)
        return JSONResponse({"ok": True, "graph": graph_hash(settings)})

    async def reset(_request: Request) -> JSONResponse:
        try:
            await service.gateway.cache.clear()
        except Exception as error:  # noqa: BLE001  whatever the client of a store raises
            return unreachable(error)
        try:
            await service.engine.reset()
        except ApiError as error:
            return JSONResponse(error.body(), error.status, error.headers)
        return JSONResponse({"ok": True})

    own = [Route("/swap", swap, methods=["POST"]), Route("/reset", reset, methods=["POST"])]
    return Starlette(routes=[*own, *cache_routes(service), *record_routes(service)])


def _refused(message: str) -> JSONResponse:
    error: dict[str, Any] = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, 400)
