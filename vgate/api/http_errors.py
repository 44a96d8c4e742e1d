"""What a Starlette app answers for what its routes raise, and for routes that are not there: OpenAI's error form."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vgate.errors import ApiError


async def _known(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # registered for nothing else
    return JSONResponse(error.body(), error.status, error.headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    """404 and 405."""
    assert isinstance(error, HTTPException)  # registered for nothing else
    known = ApiError(error.status_code, str(error.detail), code=str(error.detail).lower().replace(" ", "_"))
    return JSONResponse(known.body(), error.status_code, headers=dict(error.headers or {}))


async def _internal_error(_request: Request, _error: Exception) -> Response:
    """Whatever else a route raises; it is raised on, and logged by who called the app."""
    return JSONResponse(ApiError(500, "Internal server error.", "server_error").body(), 500)


ERRORS_ANSWERED: Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    ApiError: _known,
    HTTPException: _http_error,
    Exception: _internal_error,
}
