"""A worker's errors as those that a client of V-Gate sees.

What is wrong with the request (4xx) is passed as the worker says it. What is wrong with the worker, its key or its room
is told in V-Gate's own words: a worker's, or those of a proxy before it, may hold addresses, paths and keys, and who
asked can do nothing about them. They are in the log, without its key and other secrets, with the worker's name. Of the
worker's error the code is kept where it is a plain word, for programs go by it.

nginx, Envoy and LiteLLM pass such texts on, and leave it to their operators to intercept them.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import orjson

from vgate.config.secrets import BLOT, without_secrets
from vgate.errors import ApiError
from vgate.upstream.events import Framer
from vgate.upstream.failures import Garbled, Silent, UpstreamError
from vgate.workers.worker import Outcome, Worker

_KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_MOST_CHARACTERS = 2000
# What servers say that have no such route, as vLLM with a pooling model has none for chats: Starlette, Go, others.
_NO_ROUTE = frozenset({"", "not found", "method not allowed", "404 page not found", "404 not found"})
_WORD = re.compile(r"[a-z_]{1,40}")
# A worker that asks for more than this is asked again all the same: it may have a clock or a mind of its own.
MOST_RETRY_AFTER_S = 600.0


class Failed(Exception):
    """A try that came to nothing before anything was sent to the client.

    error:     what the client is told if there is no other try.
    outcome:   for the pool.
    elsewhere: whether another worker may be asked.
    told:      what the worker said, for `in_log`.
    """

    def __init__(
        self,
        error: ApiError,
        outcome: Outcome,
        *,
        elsewhere: bool = True,
        retry_after_s: float | None = None,
        told: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.outcome: Outcome = outcome
        self.elsewhere = elsewhere
        self.retry_after_s = retry_after_s
        self._told = told or {}

    def in_log(self, worker: Worker) -> dict[str, str]:
        """What a line of the log says of it, without secrets."""
        said = str(self._told.get("message") or "")[:_MOST_CHARACTERS]
        fields = {"worker": worker.name, "error": self.error.message}
        return {**fields, "worker_said": _scrubbed(said, worker)} if said else fields


def _scrubbed(text: str, worker: Worker) -> str:
    key = (worker.authorization or "").rpartition(" ")[2]
    return str(without_secrets(text.replace(key, BLOT) if key else text))


def lost(error: UpstreamError) -> Failed:
    """No answer, or one that broke off."""
    if isinstance(error, Silent):
        told = ApiError(504, f"The worker gave {error}.", "server_error", code="upstream_timeout")
    else:
        told = ApiError(502, f"The worker {error}.", "server_error", code="upstream_failed")
    return Failed(told, "failed")


def refused(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failed:
    """An answer with another status than 200."""
    told = _error_of(body)
    wait_s = retry_after(headers)
    again = {"retry-after": str(max(1, math.ceil(wait_s)))} if wait_s is not None else {}
    if status == 429:
        error = passed(status, told, again or {"retry-after": "1"})
        return Failed(error, "busy", elsewhere=False, retry_after_s=wait_s, told=told)
    if status in (401, 403):
        message = "The worker does not accept the key that this gateway has for it (engine.workers)."
        error = ApiError(502, message, "server_error", code="upstream_key_refused")
        return Failed(error, "failed", told=told)
    if 400 <= status < 500:
        no_route = status in (404, 405) and str(told.get("message") or "").strip().lower() in _NO_ROUTE
        return Failed(_unrouted() if no_route else passed(status, told, again), "ok", elsewhere=False)
    if status == 503 and wait_s is not None:
        return Failed(passed(status, told, again), "busy", retry_after_s=wait_s, told=told)
    if status in (502, 503, 504):
        return Failed(passed(status, told, again), "failed", told=told)
    error = ApiError(502, f"The worker failed with status {status}.", "server_error", code="upstream_failed")
    return Failed(error, "failed", told=told)


def _unrouted() -> ApiError:
    """The model is served, but not here."""
    message = "The worker that serves this model does not know this route: is the model one for chats, or embeddings?"
    return ApiError(404, message, "not_found_error", "model", "unsupported_endpoint")


def passed(status: int, told: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> ApiError:
    """The worker's own error; what is not the request's fault, in V-Gate's words."""
    kind, param, code = told.get("type"), told.get("param"), told.get("code")
    usual = _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")
    if status == 429 or status >= 500:
        full = "The worker takes no more requests now."
        message = full if status == 429 else f"The worker failed with status {status}."
        word = code if isinstance(code, str) and _WORD.fullmatch(code) else None
        return ApiError(status, message, usual, code=word, headers=headers)
    return ApiError(
        status,
        str(told.get("message") or f"The worker answered with status {status}."),
        kind if isinstance(kind, str) else usual,
        param if isinstance(param, str) else None,
        code if isinstance(code, str) else None,  # vLLM repeats the status here
        headers,
    )


def retry_after(headers: Mapping[bytes, bytes]) -> float | None:
    """Seconds that the worker asks for; None where it asks for none, or for a date, which is another clock's."""
    try:
        wait_s = float(headers.get(b"retry-after", b""))
    except ValueError:
        return None
    return min(wait_s, MOST_RETRY_AFTER_S) if wait_s >= 0 else None


def _error_of(body: bytes) -> Mapping[str, Any]:
    """The error object; of other forms (FastAPI's `detail`, plain text) what can be told."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body.decode("utf-8", "replace").strip()
        # A page of HTML is a proxy's, and says nothing to a client of an API.
        return {"message": text[:_MOST_CHARACTERS]} if text and not text.startswith("<") else {}
    return _told(answer) if isinstance(answer, dict) else {}


def _told(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    error = answer.get("error", answer.get("detail", answer.get("message")))
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        # vLLM of some versions has the error's fields at the top.
        return {**answer, "message": error[:_MOST_CHARACTERS]}
    return {"message": orjson.dumps(error).decode()[:_MOST_CHARACTERS]} if error else {}


def of_event(event: bytes) -> Failed | None:
    """The error that an event of a stream tells, if it is one."""
    if b'"error"' not in event:  # nearly all; within a text its quotes are escaped
        return None
    try:
        return _in_answer(orjson.loads(event[event.rfind(b"\ndata:") + 1 + len(b"data:") :]))
    except orjson.JSONDecodeError:
        return None


def begins_with_error(first: bytes) -> Failed | None:
    """If the first event of a stream is whole, and an error."""
    events = Framer().feed(first) if b'"error"' in first else []
    return of_event(events[0]) if events else None


def unusable(body: bytes, *, stream: bool) -> Failed | None:
    """Why an answer with status 200 that is not a stream cannot be passed on, if it cannot."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return lost(Garbled("answered something that is not JSON"))
    failed = _in_answer(answer)
    if failed is not None:
        return failed
    if stream:
        return lost(Garbled("answered no stream, though it was asked for one"))
    if not isinstance(answer, dict) or not (answer.get("choices") or answer.get("data")):
        return lost(Garbled("answered without choices, and without data"))
    return None


def _in_answer(answer: Any) -> Failed | None:
    """An error that came as an answer."""
    if not isinstance(answer, dict) or not (answer.get("error") or answer.get("object") == "error"):
        return None
    told = _told(answer)
    code = told.get("code")
    error = passed(code if isinstance(code, int) and 400 <= code < 600 else 500, told)
    theirs = error.status >= 500
    return Failed(error, "failed" if theirs else "ok", elsewhere=theirs, told=told)
