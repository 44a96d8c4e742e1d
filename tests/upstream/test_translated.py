"""What clients are told of workers' errors."""

from typing import Any

import orjson
import pytest

from vgate.upstream.failures import Garbled, Lost, Silent, Unreachable, UpstreamError
from vgate.upstream.translated import lost, of_event, refused
from vgate.workers.worker import Worker, WorkerSpec


def body(**error: Any) -> bytes:
    return orjson.dumps({"error": error})


FULL = {"message": "too long", "type": "some_error", "param": "messages", "code": "context_length_exceeded"}
PASSED: dict[str, tuple[int, bytes, dict[str, Any]]] = {
    "OpenAI": (400, body(**FULL), FULL),
    "vLLM": (
        400,
        body(message="bad", type="BadRequestError", param=None, code=400),
        {"message": "bad", "type": "BadRequestError", "param": None, "code": None},
    ),
    "FastAPI, text": (
        422,
        b'{"detail":"no"}',
        {"message": "no", "type": "invalid_request_error", "param": None, "code": None},
    ),
    "FastAPI, list": (
        422,
        b'{"detail":[{"loc":["body"]}]}',
        {"message": '[{"loc":["body"]}]', "type": "invalid_request_error", "param": None, "code": None},
    ),
    "text": (404, b"No cat", {"message": "No cat", "type": "not_found_error", "param": None, "code": None}),
    "a page": (
        413,
        b"<html>big</html>",
        {
            "message": "The worker answered with status 413.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
    ),
    "nothing": (
        400,
        b"",
        {
            "message": "The worker answered with status 400.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
    ),
}


@pytest.mark.parametrize(("status", "told", "error"), PASSED.values(), ids=PASSED)
def test_what_is_wrong_with_the_request_is_passed_as_it_is_and_not_tried_again(
    status: int, told: bytes, error: dict[str, Any]
) -> None:
    failed = refused(status, {}, told)
    assert (failed.error.status, failed.error.body()) == (status, {"error": error})
    assert (failed.outcome, failed.elsewhere) == ("ok", False)


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "elsewhere", "seen", "wait_s"),
    [
        (429, {b"retry-after": b"7"}, "busy", False, 429, 7.0),
        (429, {}, "busy", False, 429, None),
        (503, {b"retry-after": b"7"}, "busy", True, 503, 7.0),
        (503, {b"retry-after": b"Fri, 31 Dec 1999 23:59:59 GMT"}, "failed", True, 503, None),
        (503, {b"retry-after": b"1e9"}, "busy", True, 503, 600.0),
        (503, {}, "failed", True, 503, None),
        (500, {}, "failed", True, 502, None),
        (501, {}, "failed", True, 502, None),
        (502, {}, "failed", True, 502, None),
        (504, {}, "failed", True, 504, None),
        (401, {}, "failed", True, 502, None),
        (403, {}, "failed", True, 502, None),
        (307, {}, "failed", True, 502, None),
    ],
)
def test_what_is_wrong_with_the_worker_may_be_tried_elsewhere(
    status: int, headers: dict[bytes, bytes], outcome: str, elsewhere: bool, seen: int, wait_s: float | None
) -> None:
    failed = refused(status, headers, body(message="why", code="x"))
    assert (failed.outcome, failed.elsewhere, failed.error.status) == (outcome, elsewhere, seen)
    assert failed.retry_after_s == wait_s
    if wait_s is not None:
        assert failed.error.headers["retry-after"] == str(int(wait_s))


def test_a_refused_key_is_the_gateways_matter_and_not_the_clients() -> None:
    error = refused(401, {}, body(message="Incorrect API key provided: sk-worker")).error
    assert "sk-worker" not in error.message
    assert error.code == "upstream_key_refused"


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            Unreachable("cannot be reached: Connection refused"),
            502,
            "The worker cannot be reached: Connection refused.",
        ),
        (
            Lost("broke the connection before it answered", begun=False),
            502,
            "The worker broke the connection before it answered.",
        ),
        (
            Garbled("answered something that is not HTTP/1.1"),
            502,
            "The worker answered something that is not HTTP/1.1.",
        ),
        (
            Silent("answer", 60, "engine.timeouts.first_byte_s"),
            504,
            "The worker gave no answer within 60 s (engine.timeouts.first_byte_s).",
        ),
    ],
)
def test_no_answer(error: UpstreamError, status: int, message: str) -> None:
    failed = lost(error)
    assert (failed.error.status, failed.error.message) == (status, message)
    assert (failed.outcome, failed.elsewhere) == ("failed", True)


def test_an_error_within_a_stream() -> None:
    assert of_event(b'data: {"id":"a","error":null}\n\n') is None
    theirs = of_event(b'data: {"error":{"message":"died","code":503}}\n\n')
    ours = of_event(b'data: {"error": {"message": "bad", "code": 400}}\n\n')
    assert theirs is not None
    assert ours is not None
    assert (theirs.error.status, theirs.error.message) == (503, "The worker failed with status 503.")
    assert (ours.error.status, ours.error.message) == (400, "bad")


WORKER = Worker(WorkerSpec("http://10.1.2.3:8000", "w0", "Bearer abc-def"))
SPOKEN = "cannot reach http://u:p@10.9.9.9:8000/x, key abc-def, api_key=sk-1, in /srv/model.py"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("headers", [{}, {b"retry-after": b"7"}])
def test_O6_the_words_of_a_worker_that_fails_are_for_the_log_without_secrets(
    status: int, headers: dict[bytes, bytes]
) -> None:
    failed = refused(status, headers, body(message=SPOKEN, type="in /srv", param="10.9.9.9", code="not_ready"))
    seen, logged = orjson.dumps(failed.error.body()).decode(), str(failed.in_log(WORKER))
    assert not any(part in seen for part in ("10.9", "abc-def", "sk-1", "/srv"))
    assert (failed.error.code == "not_ready", "10.9.9.9:8000/x" in logged) == (status != 500, True)
    assert not any(secret in logged for secret in ("abc-def", "sk-1", "u:p"))
    event = of_event(b"data: " + body(message=SPOKEN, code="in /srv/x") + b"\n\n")
    assert event is not None
    assert event.error.body()["error"]["code"] is None
    assert "/srv" in str(event.in_log(WORKER))


@pytest.mark.parametrize("told", [b'{"detail":"Not Found"}', b"404 page not found", b"", b"<html>"])
def test_a_worker_without_the_route_is_not_taken_for_one_without_the_model(told: bytes) -> None:
    failed = refused(404, {}, told)
    assert (failed.outcome, failed.elsewhere, failed.error.param) == ("ok", False, "model")
    assert (failed.error.status, failed.error.code) == (404, "unsupported_endpoint")


def test_R8_whoever_asks_to_be_asked_again_at_once_is_given_a_second() -> None:
    assert refused(503, {b"retry-after": b"0"}, b"").error.headers == {"retry-after": "1"}
