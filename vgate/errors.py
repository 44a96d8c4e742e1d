"""Errors that a client sees, in OpenAI's form.

ApiError                    any: status, message, type, param, code
  BadRequest          400
  UnknownModel        404
  TooSlow             408   the client read its stream too slowly
  Unfinished          408   the client did not send its request to the end
  TooLarge            413
  NotReady            503   the engine is still loading, or has died
    Stopping                the server is stopping
  Overloaded          503   too many requests wait already
  DeadlineExceeded    504   the answer could not begin by the request's deadline
EngineStartError            not a client's: the engine could not be started; the message is the cause in one line
"""

import math
from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An answer with an error body. `headers` go out with it."""

    def __init__(
        self,
        status: int,
        message: str,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """OpenAI's error object."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


class BadRequest(ApiError):
    """The request cannot be understood or carried out as it is."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(400, message, "invalid_request_error", param, code)


class UnknownModel(ApiError):
    """No such model, or none that is for this caller: the same, so that nobody learns which there are."""

    def __init__(self, model: object) -> None:
        message = f"The model `{str(model)[:80]}` does not exist or you do not have access to it."
        super().__init__(404, message, "not_found_error", "model", "model_not_found")


class TooSlow(ApiError):
    """The client is so far behind the stream it shares that the rest is not kept for it any longer."""

    def __init__(self, limit: int) -> None:
        message = f"Read too slowly: more than {limit} bytes behind the answer (dedup.max_buffer_bytes)."
        super().__init__(408, message, "invalid_request_error", code="read_too_slowly")


class Unfinished(ApiError):
    """The request was not there whole in time; what still comes of it is not read."""

    def __init__(self, limit_s: float) -> None:
        message = f"The request was not complete within {limit_s:g} s (server.client_timeout_s)."
        super().__init__(408, message, "invalid_request_error", code="request_timeout", headers={"connection": "close"})


class TooLarge(ApiError):
    """The body is over a limit; `why` says which."""

    def __init__(self, limit: int, why: str = "server.max_body_bytes") -> None:
        message = f"The body is larger than {limit} bytes ({why})."
        super().__init__(413, message, "invalid_request_error", code="body_too_large", headers={"connection": "close"})


class NotReady(ApiError):
    """The engine cannot take the request now; another try may succeed, after `retry_after_s` if that is known."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        headers = {"retry-after": str(math.ceil(retry_after_s or 5))}
        super().__init__(503, message, "server_error", code="not_ready", headers=headers)


class Overloaded(ApiError):
    """Too many requests wait already; `retry_after_s` is when there should be room."""

    def __init__(self, waiting: int, retry_after_s: int) -> None:
        message = f"{waiting} requests are waiting already (queue.max_waiting)."
        headers = {"retry-after": str(retry_after_s)}
        super().__init__(503, message, "server_error", code="overloaded", headers=headers)


class DeadlineExceeded(ApiError):
    """The answer could not begin by the request's deadline, and was not made."""

    def __init__(self) -> None:
        super().__init__(504, "The answer could not begin by its deadline.", "server_error", code="deadline_exceeded")


class Stopping(NotReady):
    """The server is about to end; the next try needs another connection."""

    def __init__(self) -> None:
        super().__init__("The server is stopping.")
        self.headers["connection"] = "close"


class EngineStartError(Exception):
    """The engine could not be started. `str(e)` is the cause in one line."""
