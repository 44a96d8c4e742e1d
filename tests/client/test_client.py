from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest

import vgate
from tests.client.loopback import CHAT, DONE, Loopback, answer, delta, events
from vgate import client as sdk

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(autouse=True)
def _environment(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VGATE_BASE_URL", server.url)
    monkeypatch.setenv("VGATE_API_KEY", "sk-env")


def test_a_whole_answer(server: Loopback) -> None:
    server.scripts = [answer(CHAT)]
    with sdk.Client() as client:
        reply = client.chat.create(model="tiny", messages=HELLO, temperature=0.5, seed=1)
    assert server.bodies[0] == {"model": "tiny", "messages": HELLO, "temperature": 0.5, "seed": 1}
    assert (reply.text, reply.choices[0].finish_reason) == ("Hi", "stop")
    assert reply.usage is not None
    assert (
        reply.usage.prompt_tokens,
        reply.usage.completion_tokens,
        reply.usage.total_tokens,
    ) == (3, 2, 5)
    assert reply.raw["system_fingerprint"] == "fp-9"


def test_headers_of_the_answer_are_readable(server: Loopback) -> None:
    limits = {"x_ratelimit_limit": "60", "x_ratelimit_remaining": "59", "x_ratelimit_reset": "12.5"}
    server.scripts = [answer(CHAT, x_request_id="r-1", x_vgate_cache="hit", **limits)]
    with sdk.Client() as client:
        meta = client.chat.create(model="tiny", messages=HELLO).meta
    assert (meta.request_id, meta.cache) == ("r-1", "hit")
    assert sdk.RateLimit(60, 59, 12.5) == meta.rate_limit


def test_the_limit_on_tokens_is_readable_too(server: Loopback) -> None:
    limits = {
        "x_ratelimit_limit_tokens": "500",
        "x_ratelimit_remaining_tokens": "0",
        "x_ratelimit_reset_tokens": "0.25s",
    }
    server.scripts = [answer(CHAT, **limits)]
    with sdk.Client() as client:
        meta = client.chat.create(model="tiny", messages=HELLO).meta
    assert (meta.rate_limit, meta.token_limit) == (None, sdk.RateLimit(500, 0, 0.25))


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [("1m30s", 90.0), ("20ms", 0.02), ("1h0m0.5s", 3600.5), ("2d", 172_800.0), ("6s", 6.0), ("1764360000", 1.76436e9)],
)
def test_limits_are_read_in_openais_form_too(reset: str, seconds: float) -> None:
    names = ("limit", "remaining", "reset")
    headers = {f"x-ratelimit-{name}-requests": text for name, text in zip(names, ("60", "59", reset), strict=True)}
    assert sdk.RateLimit.read(headers) == sdk.RateLimit(60, 59, seconds)


@pytest.mark.parametrize("reset", ["", "soon", "1m30", "s", "nan", "inf", "1.2.3s", "-"])
def test_limits_that_say_nothing_are_none(reset: str) -> None:
    headers = {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "59", "x-ratelimit-reset": reset}
    assert sdk.RateLimit.read(headers) is None


def test_a_refusal_tells_the_limit(server: Loopback) -> None:
    limits = {"x_ratelimit_limit": "60", "x_ratelimit_remaining": "0", "x_ratelimit_reset": "12"}
    server.scripts = [answer({"error": {"message": "no"}}, "429 Too Many Requests", retry_after="99", **limits)]
    with sdk.Client() as client, pytest.raises(sdk.RateLimitError) as refused:
        client.chat.create(model="tiny", messages=HELLO)
    assert refused.value.rate_limit == sdk.RateLimit(60, 0, 12.0)


@pytest.mark.parametrize("prompt", ["one two", ["one", "two"], [1, 2], [[1, 2], (3,)]])
def test_a_prompt_is_a_text_or_token_ids_or_several(server: Loopback, prompt: Any) -> None:
    server.scripts = [answer({"choices": [{"index": 0, "text": "three", "finish_reason": "stop"}]})]
    reply = vgate.Completion.create(model="tiny", prompt=prompt, echo=False)
    assert (reply.text, reply.choices[0].finish_reason) == ("three", "stop")
    asked = [list(part) if isinstance(part, tuple) else part for part in prompt] if isinstance(prompt, list) else prompt
    assert server.bodies[0] == {"model": "tiny", "prompt": asked, "echo": False}


@pytest.mark.parametrize("text", [b"one", [b"one", b"two"]])
def test_bytes_do_not_pass_for_token_ids(text: Any) -> None:
    with sdk.Client() as client:
        with pytest.raises(TypeError, match="must be str, not bytes"):
            client.completions.create(model="tiny", prompt=text)
        with pytest.raises(TypeError, match="must be str, not bytes"):
            client.embeddings.create(model="tiny", input=text)


def test_models_are_listed() -> None:
    asked: list[str] = []

    def listing(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path} {request.content.decode()}")
        return httpx.Response(200, json={"data": [{"id": "a", "owned_by": "me"}, {"id": "b"}]})

    with sdk.Client(transport=httpx.MockTransport(listing)) as client:
        models = client.models.list()
    assert (models.ids, models.raw["data"][0]["owned_by"], asked) == (("a", "b"), "me", ["GET /v1/models "])


def test_a_call_may_have_a_time_out_of_its_own() -> None:
    asked: list[Any] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append((request.extensions["timeout"]["read"], b"timeout" in request.content))
        return httpx.Response(200, json=CHAT)

    with sdk.Client(transport=httpx.MockTransport(reply), timeout=30) as client:
        client.chat.create(model="tiny", messages=HELLO)
        client.chat.create(model="tiny", messages=HELLO, timeout=1.5)
        with pytest.raises(ValueError, match="timeout must be a positive number"):
            client.chat.create(model="tiny", messages=HELLO, timeout=0)
    assert asked == [(30, False), (1.5, False)]


def test_a_server_without_such_headers_is_fine(server: Loopback) -> None:
    server.scripts = [answer(CHAT, x_ratelimit_limit="many")]
    with sdk.Client() as client:
        meta = client.chat.create(model="tiny", messages=HELLO).meta
    assert (meta.request_id, meta.cache, meta.rate_limit) == (None, None, None)


def test_one_client_keeps_its_connection(server: Loopback) -> None:
    server.scripts = [answer(CHAT), answer(CHAT)]
    with sdk.Client() as client:
        for _ in range(2):
            client.chat.create(model="tiny", messages=HELLO)
    assert server.connections == 1


def test_arguments_come_before_the_environment(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VGATE_BASE_URL", "http://nowhere.invalid/v1")
    server.scripts = [answer(CHAT)]
    with sdk.Client(server.url, "sk-argument") as client:
        client.chat.create(model="tiny", messages=HELLO, extra_headers={"X-Request-Id": "mine"})
    assert "post /v1/chat/completions http/1.1" in server.heads[0]
    assert "authorization: bearer sk-argument" in server.heads[0]
    assert "x-request-id: mine" in server.heads[0]


def test_without_a_key_no_authorization_is_sent(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VGATE_API_KEY")
    server.scripts = [answer(CHAT)]
    with sdk.Client() as client:
        client.chat.create(model="tiny", messages=HELLO)
    assert "authorization" not in server.heads[0]


def test_embeddings_come_in_input_order(server: Loopback) -> None:
    data = [{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]
    server.scripts = [answer({"model": "tiny", "data": data})]
    reply = vgate.Embedding.create(model="tiny", input=["a", "b"])
    assert reply.vectors == ([1.0], [2.0])
    assert server.bodies[0] == {"model": "tiny", "input": ["a", "b"]}


def test_module_level_chat_uses_the_environment(server: Loopback) -> None:
    server.scripts = [answer(CHAT), events(delta("Hel"), delta("lo"), DONE)]
    assert vgate.Chat.create(model="tiny", messages=HELLO).text == "Hi"
    chunks = vgate.Chat.create(model="tiny", messages=HELLO, stream=True)
    assert "".join(chunk.text for chunk in chunks) == "Hello"
    assert "authorization: bearer sk-env" in server.heads[0]


def test_module_level_async_chat_uses_the_environment(server: Loopback) -> None:
    server.scripts = [
        answer(CHAT),
        events(delta("Hel"), delta("lo"), DONE),
        answer({"data": [{"embedding": "AACAPw=="}]}),
    ]

    async def call() -> list[object]:
        whole = await vgate.AsyncChat.create(model="tiny", messages=HELLO)
        chunks = await vgate.AsyncChat.create(model="tiny", messages=HELLO, stream=True)
        texts = [chunk.text async for chunk in chunks]
        vectors = await vgate.AsyncEmbedding.create(model="tiny", input="a", encoding_format="base64")
        return [whole.text, texts, vectors.vectors]

    assert asyncio.run(call()) == ["Hi", ["Hel", "lo"], ("AACAPw==",)]


@pytest.mark.parametrize("status", ["401 Unauthorized", "200 OK"])
@pytest.mark.parametrize("stream", [True, False])
def test_module_level_calls_leave_nothing_open_when_they_fail(server: Loopback, status: str, stream: bool) -> None:
    """The loopback's teardown fails if a connection stays open."""
    server.scripts = [answer([], status)] * 2
    with pytest.raises(sdk.VGateError):
        vgate.Chat.create(model="tiny", messages=HELLO, stream=stream)  # type: ignore[call-overload]
    with pytest.raises(sdk.VGateError):
        asyncio.run(vgate.AsyncChat.create(model="tiny", messages=HELLO, stream=stream))  # type: ignore[call-overload]


def test_nobody_listening_is_a_connection_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    policy = sdk.RetryPolicy(max_retries=0)
    with (
        sdk.Client(url, retry=policy) as client,
        pytest.raises(sdk.ConnectionError_, match=r"POST http://127\.0\.0\.1"),
    ):
        client.chat.create(model="tiny", messages=HELLO)


def test_a_connection_cut_before_the_answer_is_a_connection_error(server: Loopback) -> None:
    server.scripts = [[b"HTTP/1.1 200 OK\r\n"]]
    with sdk.Client() as client, pytest.raises(sdk.ConnectionError_):
        client.chat.create(model="tiny", messages=HELLO)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"{}"])
def test_a_body_that_is_no_answer_raises(server: Loopback, body: bytes) -> None:
    server.scripts = [[b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body]]
    with sdk.Client() as client, pytest.raises(sdk.ResponseError):
        client.chat.create(model="tiny", messages=HELLO)
