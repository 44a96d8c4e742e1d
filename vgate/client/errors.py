"""Everything the client raises.

::

    VGateError
    ├── APIError                 the server refused or failed: `status`, `code`, `retry_after`, ...
    │   ├── BadRequestError      400, 413, 422
    │   ├── AuthenticationError  401, 403
    │   ├── NotFoundError        404
    │   ├── RateLimitError       429
    │   └── ServerError          5xx
    ├── ConnectionError_         no answer arrived (also a built-in ConnectionError)
    ├── Timeout                  the server was silent for too long (also a built-in TimeoutError)
    ├── StreamError              the stream carried an error event
    │   └── StreamInterrupted    the stream ended before [DONE]
    └── ResponseError            a 2xx answer that is not what the API promises
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from vgate.client.meta import RateLimit


class VGateError(Exception):
    """Base of all errors of the client."""

    sent = True
    """False where the server certainly saw nothing of the request, so that it may be sent again."""


class APIError(VGateError):
    """The server answered with an error status.

    `code` is the server's own error code, or its error type where it gives no code. `retry_after`
    is the wait in seconds that the server asked for, None when it asked for none. `rate_limit` is
    the caller's limit, where the answer told it.
    """

    def __init__(
        self,
        message: str,
        status: int,
        code: str | int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        super().__init__(message, status, code, request_id, retry_after, rate_limit)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.rate_limit = rate_limit

    def __str__(self) -> str:
        tail = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.status}: {self.message}{tail}"


class BadRequestError(APIError):
    """The request itself is wrong; sending it again cannot help."""


class AuthenticationError(APIError):
    """The API key is missing, unknown, or not allowed to do this."""


class NotFoundError(APIError):
    """The server does not know this model or path."""


class RateLimitError(APIError):
    """The key's limit is used up for now; see `retry_after`."""


class ServerError(APIError):
    """The server failed, or is too busy (503)."""


class ConnectionError_(VGateError, ConnectionError):  # noqa: N801 - beside the built-in of that name
    """The server could not be reached, or the connection broke before the answer."""


class Timeout(VGateError, TimeoutError):
    """Connecting, sending or waiting for the next byte took longer than the client's timeout."""


class StreamError(VGateError):
    """The server reported a failure after the stream had begun."""

    def __init__(self, message: str, code: str | int | None = None, request_id: str | None = None) -> None:
        super().__init__(message, code, request_id)
        self.message = message
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        tail = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.message}{tail}"


class StreamInterrupted(StreamError):
    """The stream stopped without [DONE]: what arrived so far is not the whole answer."""


class ResponseError(VGateError):
    """The server said 2xx, but the body cannot be read as the answer that was asked for."""


_BY_STATUS: dict[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    413: BadRequestError,
    422: BadRequestError,
    429: RateLimitError,
}


def api_error(response: httpx.Response) -> APIError:
    """The error that an answer with a non-2xx status stands for. Of a body that was not read nothing is told."""
    message, code = error_fields(_json_or_text(response))
    kind = _BY_STATUS.get(response.status_code, ServerError if response.is_server_error else APIError)
    message = message or response.reason_phrase or "no error message"
    if response.has_redirect_location:  # not followed: the key and the prompt are for base_url's server alone
        message += f"; it points to {response.headers['location'][:500]}, and redirects are not followed"
    return kind(
        message,
        response.status_code,
        code,
        response.headers.get("x-request-id"),
        retry_after_s(response.headers),
        RateLimit.read(response.headers),
    )


def transport_error(error: httpx.RequestError) -> VGateError:
    """The client's name for a failure on the way."""
    told = f"{error.request.method} {error.request.url}: {str(error) or type(error).__name__}"
    if isinstance(error, httpx.DecodingError):
        return ResponseError(told)
    failure = Timeout(told) if isinstance(error, httpx.TimeoutException) else ConnectionError_(told)
    failure.sent = not _never_sent(error)
    return failure


def broken_answer(response: httpx.Response, error: httpx.RequestError) -> VGateError:
    """What a body that broke off means: of a refusal the status is known all the same."""
    return transport_error(error) if response.is_success else api_error(response)


def _never_sent(error: httpx.RequestError) -> bool:
    # What TLS refuses now, a certificate for example, it refuses again.
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) and "[SSL" not in str(error)


def error_fields(body: Any) -> tuple[str, str | int | None]:
    """Message and code of an error body: OpenAI's form, FastAPI's ``detail``, or plain text."""
    if not isinstance(body, Mapping):
        return str(body).strip()[:500], None
    error = body.get("error") or body
    if not isinstance(error, Mapping):
        return str(error), None
    code = error.get("code") or error.get("type")
    message = error.get("message") or error.get("detail") or str(dict(error))[:500]  # the last in a form unknown here
    return str(message), code if isinstance(code, str | int) else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by ``Retry-After``, which is a number or a date; None if absent or unreadable.

    A date is compared with the server's own ``Date``, so that the two clocks need not agree.
    """
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        return _until(value, headers.get("date", ""))
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(date: str, now: str) -> float | None:
    try:
        wait = parsedate_to_datetime(date) - parsedate_to_datetime(now)
    except (ValueError, TypeError, OverflowError):  # the last for a time zone beyond all measure
        return None
    return max(0.0, wait.total_seconds())


def _json_or_text(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except httpx.ResponseNotRead:
        return ""
    except (ValueError, RecursionError):  # the second for nesting
        return response.text
