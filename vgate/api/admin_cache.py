"""The operator's routes to the response cache."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from vgate.api.service import Service
from vgate.cache.base import Cache, Entry
from vgate.errors import ApiError, BadRequest

logger = logging.getLogger(__name__)

_KEY = re.compile(r"[0-9a-f]{64}")
_COUNT = re.compile(r"[1-9][0-9]{0,8}")
_DEFAULT_LIMIT = 100

Handler = Callable[[Cache, Request], Awaitable[dict[str, Any]]]


def cache_routes(service: Service) -> list[Route]:
    """`GET /cache?limit=N` lists the oldest entries; `DELETE /cache` and `DELETE /cache/{key}` drop all or one.

    With `?dry_run=true` a DELETE only says what it would do. The key of a request is in its line of the log. What is
    deleted is logged.
    """

    def route(path: str, method: str, handler: Handler) -> Route:
        async def answer(request: Request) -> JSONResponse:
            try:
                return JSONResponse(await handler(service.gateway.cache, request))
            except ApiError as error:
                return JSONResponse(error.body(), error.status)
            except Exception as error:  # noqa: BLE001  whatever the client of a store raises
                return unreachable(error)

        return Route(path, answer, methods=[method])

    one = "/cache/{key}"
    return [route("/cache", "GET", _list), route("/cache", "DELETE", _clear), route(one, "DELETE", _delete)]


def unreachable(error: Exception) -> JSONResponse:
    """503 with what the client of a store raised."""
    message = f"the cache cannot be reached: {type(error).__name__}: {error}"
    return JSONResponse(ApiError(503, message, "server_error", code="cache_unreachable").body(), 503)


async def _list(cache: Cache, request: Request) -> dict[str, Any]:
    given = _parameter(request, "limit", str(_DEFAULT_LIMIT))
    if not _COUNT.fullmatch(given):
        raise BadRequest(f"limit must be a whole number from 1 on, got {given[:80]!r}", "limit")
    return {"entries": [_told(entry) for entry in await cache.entries(int(given))]}


async def _clear(cache: Cache, request: Request) -> dict[str, Any]:
    dry_run = _dry_run(request)
    entries = await cache.entries()
    if not dry_run:
        await cache.clear()
        logger.warning("cache cleared", extra={"entries": len(entries)})
    return {"entries": len(entries), "deleted": not dry_run}


async def _delete(cache: Cache, request: Request) -> dict[str, Any]:
    dry_run, name = _dry_run(request), request.path_params["key"]
    if not _KEY.fullmatch(name):
        raise BadRequest(f"a key is 64 hex digits in lower case, got {name[:80]!r}", "key")
    key = bytes.fromhex(name)
    entry = await cache.entry(key)
    if entry is None or (not dry_run and not await cache.delete(key)):
        raise ApiError(404, f"there is no entry under the key {name}", code="not_found")
    if not dry_run:
        logger.warning("cache entry deleted", extra={"cache_key": name})
    return {"entry": _told(entry), "deleted": not dry_run}


def _dry_run(request: Request) -> bool:
    given = _parameter(request, "dry_run", "false")
    if given not in ("true", "false"):
        raise BadRequest(f"dry_run must be true or false, got {given[:80]!r}", "dry_run")
    return given == "true"


def _parameter(request: Request, name: str, default: str) -> str:
    """The one query parameter that a route knows; a misspelt one must not turn a dry run into a deletion."""
    unknown = [given for given in request.query_params if given != name]
    if unknown:
        raise BadRequest(f"unknown parameter {unknown[0][:80]!r}; allowed: {name}", unknown[0][:80])
    return request.query_params.get(name, default)


def _told(entry: Entry) -> dict[str, Any]:
    return {
        "key": entry.key.hex(),
        "age_s": entry.age_s,
        "bytes": entry.bytes,
        "hits": entry.hits,
        "expires_s": entry.expires_s,
    }
