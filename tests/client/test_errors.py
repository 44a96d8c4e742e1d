from __future__ import annotations

import pickle

import httpx
import pytest

from vgate import client as sdk
from vgate.client.errors import error_fields, retry_after_s

HELLO = [{"role": "user", "content": "hello"}]


def raised(response: httpx.Response) -> sdk.APIError:
    """What a client that never retries makes of `response`."""
    transport = httpx.MockTransport(lambda _: response)
    policy = sdk.RetryPolicy(max_retries=0)
    with sdk.Client(transport=transport, retry=policy) as client, pytest.raises(sdk.APIError) as caught:
        client.chat.create(model="tiny", messages=HELLO)
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, sdk.APIError),
        (400, sdk.BadRequestError),
        (401, sdk.AuthenticationError),
        (403, sdk.AuthenticationError),
        (404, sdk.NotFoundError),
        (409, sdk.APIError),
        (413, sdk.BadRequestError),
        (422, sdk.BadRequestError),
        (429, sdk.RateLimitError),
        (500, sdk.ServerError),
        (503, sdk.ServerError),
    ],
)
def test_each_status_has_its_class(status: int, kind: type[sdk.APIError]) -> None:
    error = raised(httpx.Response(status, json={"error": {"message": "no", "type": "t", "code": None}}))
    assert (kind, status, "no", "t") == (type(error), error.status, error.message, error.code)


def test_an_error_tells_what_the_server_said() -> None:
    body = {"error": {"message": "slow down", "type": "limit", "code": "rate_limited"}}
    error = raised(httpx.Response(429, json=body, headers={"X-Request-Id": "r-1", "Retry-After": "7"}))
    assert (error.code, error.request_id, error.retry_after) == ("rate_limited", "r-1", 7.0)
    assert str(error) == "429: slow down (request r-1)"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"error": {"message": "m", "code": 400}}, ("m", 400)),
        ({"error": "m"}, ("m", None)),
        ({"object": "error", "message": "m", "type": "T"}, ("m", "T")),
        ({"detail": "m"}, ("m", None)),
        ("<html>bad gateway</html>\n", ("<html>bad gateway</html>", None)),
        ([1], ("[1]", None)),
        ({"error": None, "message": "m"}, ("m", None)),
        ({"error": {"message": "m", "code": {"of": "another kind"}}}, ("m", None)),
        ({"errors": [{"text": "m"}]}, ("{'errors': [{'text': 'm'}]}", None)),
    ],
)
def test_error_bodies_of_other_servers_are_understood(body: object, fields: tuple[str, object]) -> None:
    assert fields == error_fields(body)


def test_an_empty_error_body_falls_back_to_the_reason() -> None:
    assert raised(httpx.Response(502)).message == "Bad Gateway"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "Mon, 02 Nov 2026 10:00:30 GMT"}, None),
        ({"retry-after": "Mon, 02 Nov 2026 10:00:30 +9999999999999999", "date": "Mon, 02 Nov 2026 10:00:00 GMT"}, None),
        ({"retry-after": "Mon, 02 Nov 2026 10:00:30 GMT", "date": "Mon, 02 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Mon, 02 Nov 2026 09:00:00 GMT", "date": "Mon, 02 Nov 2026 10:00:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    """A date counts from the server's own clock, never from ours."""
    assert seconds == retry_after_s(headers)


@pytest.mark.parametrize(
    "error",
    [
        sdk.RateLimitError("m", 429, "c", "r", 2.0),
        sdk.StreamInterrupted("m", "c", "r"),
        sdk.Timeout("m"),
        sdk.ConnectionError_("m"),
    ],
)
def test_errors_survive_a_process_boundary(error: sdk.VGateError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(error), str(error), vars(error)) == (type(copy), str(copy), vars(copy))


def test_connection_failures_are_also_the_built_in_ones() -> None:
    assert issubclass(sdk.ConnectionError_, ConnectionError)
    assert issubclass(sdk.Timeout, TimeoutError)


@pytest.mark.parametrize(
    ("cause", "kind"), [(httpx.ReadTimeout(""), sdk.Timeout), (httpx.ReadError(""), sdk.ConnectionError_)]
)
def test_a_failure_without_a_message_is_still_described(cause: httpx.RequestError, kind: type[sdk.VGateError]) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        cause.request = request
        raise cause

    with sdk.Client(transport=httpx.MockTransport(fail)) as client, pytest.raises(kind, match=type(cause).__name__):
        client.chat.create(model="tiny", messages=HELLO)
