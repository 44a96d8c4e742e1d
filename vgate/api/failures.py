"""What becomes of errors: an answer in OpenAI's form, the end of a stream, or a line in the log."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from vgate import sse
from vgate.api.asgi import ClientLeft, Send, send_error
from vgate.errors import ApiError, Stopping
from vgate.record import Record

logger = logging.getLogger(__name__)

# nginx's status for it; nobody receives it.
CLIENT_LEFT = 499


@contextlib.asynccontextmanager
async def errors_answered(send: Send, record: Record) -> AsyncIterator[None]:
    """What is raised inside is answered with its own status, and told to the record.

    Once a stream has begun, an error event ends it; without `[DONE]` nobody takes it for whole.
    """
    try:
        yield
    except ClientLeft:
        record.status, record.code, record.error = CLIENT_LEFT, "client_left", "client left"
    except asyncio.CancelledError:
        # Not by the client, which is ClientLeft: the server drops what its grace period did not let finish.
        await _answer(send, record, Stopping())
    except Exception as error:  # noqa: BLE001  the outermost layer: every failure has an answer
        await _answer(send, record, error if isinstance(error, ApiError) else _internal(error, record))


async def _answer(send: Send, record: Record, error: ApiError) -> None:
    # Of a 4xx only the code: its message may quote the prompt, which is not for the log.
    quoted = f"{error.code or error.kind} {(error.param or '')[:64]}".strip()
    record.code = error.code or error.kind
    record.error = error.message if error.status >= 500 else quoted
    record.answered = asyncio.get_running_loop().time()
    if not record.status:
        await send_error(send, record, error)
    elif record.stream:
        await _break_off(send, error)
    # Of a whole answer the length has been told: the server closes the connection, which is seen to be short.


def _internal(error: Exception, record: Record) -> ApiError:
    logger.error("request failed", exc_info=error, extra={"request_id": record.request_id})
    return ApiError(500, "Internal server error.", "server_error")


async def _break_off(send: Send, error: ApiError) -> None:
    await send({"type": "http.response.body", "body": sse.encode(error.body()), "more_body": True})
    await send({"type": "http.response.body", "body": b""})
