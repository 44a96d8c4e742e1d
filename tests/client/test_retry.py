from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.client.loopback import CHAT, DONE, Loopback, answer, delta, events
from vgate import client as sdk

HELLO = [{"role": "user", "content": "hello"}]
BUSY = {"error": {"message": "busy", "type": "rate_limit_error", "code": None}}


def refused(status: str = "429 Too Many Requests", **headers: str) -> list[bytes]:
    return answer(BUSY, status, **headers)


def shortest(low: float, high: float) -> float:
    return low


def longest(low: float, high: float) -> float:
    return high


def ask(server: Loopback, policy: sdk.RetryPolicy, stream: bool = False) -> list[float]:
    """The waits of one call that succeeds in the end."""
    waits: list[float] = []
    with sdk.Client(server.url, retry=policy, sleep=waits.append) as client:
        if stream:
            with client.chat.create(model="tiny", messages=HELLO, stream=True) as chunks:
                assert "".join(chunk.text for chunk in chunks) == "Hi"
        else:
            assert client.chat.create(model="tiny", messages=HELLO).text == "Hi"
    return waits


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_retry_after_is_waited_for(server: Loopback, status: str) -> None:
    server.scripts = [refused(status, retry_after="7"), answer(CHAT)]
    assert ask(server, sdk.RetryPolicy(uniform=shortest)) == [7.0]
    assert server.bodies[0] == server.bodies[1]


def test_a_refused_stream_is_retried_before_its_first_byte(server: Loopback) -> None:
    server.scripts = [refused(retry_after="1"), events(delta("Hi"), DONE)]
    assert ask(server, sdk.RetryPolicy(uniform=shortest), stream=True) == [1.0]


@pytest.mark.parametrize(("asked", "latest"), [("0", 0.0), ("1", 1.1), ("4.5", 4.95), ("60", 60.5)])
def test_clients_that_are_told_the_same_moment_do_not_all_return_in_it(
    server: Loopback, asked: str, latest: float
) -> None:
    server.scripts = [refused(retry_after=asked), answer(CHAT)] * 2
    assert ask(server, sdk.RetryPolicy(uniform=longest)) == [pytest.approx(latest)]
    server.heads.clear()
    assert float(asked) <= ask(server, sdk.RetryPolicy())[0] <= latest


def test_without_retry_after_the_wait_doubles_with_jitter(server: Loopback) -> None:
    server.scripts = [refused(), refused(), refused(), answer(CHAT)]
    assert ask(server, sdk.RetryPolicy(max_retries=3, uniform=shortest)) == [0.25, 0.5, 1.0]


def test_the_async_client_waits_the_same_way(server: Loopback) -> None:
    server.scripts = [refused(retry_after="7"), answer(CHAT)]
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def call() -> str:
        async with sdk.AsyncClient(server.url, sleep=sleep, retry=sdk.RetryPolicy(uniform=shortest)) as client:
            return (await client.chat.create(model="tiny", messages=HELLO)).text

    assert asyncio.run(call()) == "Hi"
    assert waits == [7.0]


def gives_up(server: Loopback, policy: sdk.RetryPolicy) -> tuple[sdk.APIError, int]:
    """The error of a call that fails, and how often the server was asked."""
    with (
        sdk.Client(server.url, retry=policy, sleep=lambda _: None) as client,
        pytest.raises(sdk.APIError) as caught,
    ):
        client.chat.create(model="tiny", messages=HELLO)
    return caught.value, len(server.heads)


def test_O9_retries_are_bounded(server: Loopback) -> None:
    server.scripts = [refused(retry_after="1")] * 9
    error, asked = gives_up(server, sdk.RetryPolicy(max_retries=2))
    assert (sdk.RateLimitError, 1.0, 3) == (type(error), error.retry_after, asked)


def test_a_wait_longer_than_the_bound_is_not_waited_for(server: Loopback) -> None:
    server.scripts = [refused(retry_after="61")]
    error, asked = gives_up(server, sdk.RetryPolicy(max_wait_s=60))
    assert (error.retry_after, asked) == (61.0, 1)


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "500 Internal Server Error"])
def test_O9_other_failures_are_not_retried(server: Loopback, status: str) -> None:
    """Retry-After does not change that: the request may have been worked on."""
    server.scripts = [refused(status, retry_after="1")]
    assert gives_up(server, sdk.RetryPolicy())[1] == 1


def test_a_server_that_is_not_there_yet_is_asked_again() -> None:
    """Nothing of the request was sent, so that no generation is asked for twice."""
    calls: list[str] = []

    def connect(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        if len(calls) < 3:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, json=CHAT)

    waits: list[float] = []
    policy = sdk.RetryPolicy(uniform=shortest)
    with sdk.Client(transport=httpx.MockTransport(connect), retry=policy, sleep=waits.append) as client:
        assert client.chat.create(model="tiny", messages=HELLO).text == "Hi"
    assert (calls, waits) == (["/v1/chat/completions"] * 3, [0.25, 0.5])


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_O9_what_may_have_been_begun_or_cannot_get_better_is_not_asked_again(failure: httpx.RequestError) -> None:
    calls: list[str] = []

    def fail(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        failure.request = request
        raise failure

    with sdk.Client(transport=httpx.MockTransport(fail)) as client, pytest.raises(sdk.VGateError):
        client.chat.create(model="tiny", messages=HELLO)
    assert len(calls) == 1


def test_S9_a_stream_that_broke_after_its_first_byte_is_not_retried(server: Loopback) -> None:
    server.scripts = [events(delta("H"), end=False)]
    with (
        sdk.Client(server.url) as client,
        client.chat.create(model="tiny", messages=HELLO, stream=True) as chunks,
        pytest.raises(sdk.StreamInterrupted),
    ):
        list(chunks)
    assert len(server.heads) == 1


def test_backoff_never_passes_the_bound() -> None:
    policy = sdk.RetryPolicy(max_retries=99, max_wait_s=4, uniform=longest)
    assert policy.wait_s(50, sdk.RateLimitError("busy", 429)) == 4


def test_one_may_wait_for_a_server_for_days() -> None:
    policy = sdk.RetryPolicy(max_retries=10**9, max_wait_s=1, uniform=longest)
    assert policy.wait_s(10**6, sdk.RateLimitError("busy", 429)) == 1


@pytest.mark.parametrize("wrong", [{"max_retries": -1}, {"max_wait_s": -1}, {"base_s": -1}, {"base_s": float("nan")}])
def test_a_negative_number_is_refused(wrong: dict[str, Any]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be 0 or more, not {value}"):
        sdk.RetryPolicy(**wrong)
