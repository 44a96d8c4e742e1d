"""VLLM's errors as those that a client of V-Gate sees. Imports vLLM."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from vgate.errors import ApiError, NotReady

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def translated(alive: Callable[[], bool]) -> Iterator[None]:
    """VLLM's exceptions as ApiError, by vLLM's own table; whatever it says when it has died, as NotReady."""
    from vllm.entrypoints.serve import create_error_response

    try:
        yield
    except Exception as error:
        known = isinstance(error, ApiError)
        if not alive() and not (known and error.status < 500):  # type: ignore[attr-defined]
            raise died() from None
        if known:
            raise
        response = create_error_response(error)
        if response.error.code >= 500:
            logger.exception("vLLM failed")
        raise _to_api_error(response) from None


def died() -> NotReady:
    """What requests are told that were in the engine, or come too late."""
    return NotReady("The engine has died.")


def unless_error(answer: Any) -> Any:
    """A handler's answer, unless it is an error. Where our task was cancelled vLLM says so with an error: cancel on."""
    from vllm.entrypoints.serve.engine.protocol import ErrorResponse

    if not isinstance(answer, ErrorResponse):
        return answer
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    raise _to_api_error(answer)


def _to_api_error(response: Any) -> ApiError:
    error = response.error
    status = int(error.code)
    kind = {404: "not_found_error"}.get(status, "invalid_request_error" if status < 500 else "server_error")
    return ApiError(status, error.message, kind, error.param)
