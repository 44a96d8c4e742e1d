"""What a Starlette app answers for what its routes raise, and for routes that are not there: OpenAI's error form."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vgate.config.errors import nearest
from vgate.errors import ApiError


async def _known(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # registered for nothing else
    return JSONResponse(error.body(), error.status, error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
    """404 and 405."""
    assert isinstance(error, HTTPException)  # registered for nothing else
    message = _told(request, error.status_code, (error.headers or {}).get("Allow", ""))
    known = ApiError(error.status_code, message, code=str(error.detail).lower().replace(" ", "_"))
    return JSONResponse(known.body(), error.status_code, headers=dict(error.headers or {}))


def _told(request: Request, status: int, allowed: str) -> str:
    method, path = request.method, request.url.path[:200]
    if status == 405:
        return f"{method} is not allowed for {path}; allowed: {allowed}"
    return f"Invalid URL ({method} {path}){nearest(path, [getattr(route, 'path', '') for route in request.app.routes])}"


async def _internal_error(_request: Request, _error: Exception) -> Response:
    """Whatever else a route raises; it is raised on, and logged by who called the app."""
    return JSONResponse(ApiError(500, "Internal server error.", "server_error").body(), 500)


ERRORS_ANSWERED: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    ApiError: _known,
    HTTPException: _http_error,
    Exception: _internal_error,
}
