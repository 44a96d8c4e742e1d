from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from tests.client.loopback import CHAT, DONE, HOLD, Loopback, answer, delta, events
from vgate import client as sdk

HELLO = [{"role": "user", "content": "hello"}]
Read = Callable[[Loopback, list[str]], sdk.Meta]


def read_blocking(server: Loopback, texts: list[str]) -> sdk.Meta:
    """Append each chunk's text as it comes."""
    with (
        sdk.Client(server.url) as client,
        client.chat.create(model="tiny", messages=HELLO, stream=True) as chunks,
    ):
        texts.extend(chunk.text for chunk in chunks)
        return chunks.meta


def read_async(server: Loopback, texts: list[str]) -> sdk.Meta:
    async def call() -> sdk.Meta:
        async with (
            sdk.AsyncClient(server.url) as client,
            await client.chat.create(model="tiny", messages=HELLO, stream=True) as chunks,
        ):
            async for chunk in chunks:
                texts.append(chunk.text)  # noqa: PERF401 - the texts so far must survive an error
            return chunks.meta

    return asyncio.run(call())


@pytest.fixture(params=[read_blocking, read_async], ids=["blocking", "async"])
def read(request: pytest.FixtureRequest) -> Read:
    """Each test with this fixture runs on both clients."""
    reader: Read = request.param
    return reader


def test_a_stream_gives_its_chunks_in_order(server: Loopback, read: Read) -> None:
    server.scripts = [events(delta("Hel"), delta("lo"), DONE, x_request_id="r-1", x_vgate_cache="miss")]
    texts: list[str] = []
    meta = read(server, texts)
    assert texts == ["Hel", "lo"]
    assert (meta.request_id, meta.cache) == ("r-1", "miss")
    assert server.bodies[0] == {"model": "tiny", "messages": HELLO, "stream": True}


def test_S7_one_byte_chunks_with_crlf_and_comments(server: Loopback, read: Read) -> None:
    stream = b": ping\r\n\r\n" + (delta("naïve ") + delta("🙂") + DONE).replace(b"\n", b"\r\n")
    server.scripts = [events(*(bytes([byte]) for byte in stream))]
    texts: list[str] = []
    read(server, texts)
    assert texts == ["naïve ", "🙂"]


def test_S7_data_over_several_lines(server: Loopback, read: Read) -> None:
    pretty = json.dumps(json.loads(delta("Hi")[6:]), indent=1)
    lines = "".join(f"data: {line}\n" for line in pretty.splitlines()).encode()
    server.scripts = [events(lines + b"\n" + DONE)]
    texts: list[str] = []
    read(server, texts)
    assert texts == ["Hi"]


@pytest.mark.parametrize("tail", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE] \n\n"])
def test_a_server_that_is_careless_about_the_last_line_ends(server: Loopback, read: Read, tail: bytes) -> None:
    server.scripts = [events(delta("Hi"), tail)]
    texts: list[str] = []
    read(server, texts)
    assert texts == ["Hi"]


def test_nothing_is_awaited_after_done(server: Loopback, read: Read) -> None:
    """A server that leaves the connection open does not hang the client."""
    server.scripts = [events(delta("Hi"), DONE, HOLD)]
    texts: list[str] = []
    read(server, texts)
    assert texts == ["Hi"]
    assert server.hung_up.wait(5)


@pytest.mark.parametrize("end", [True, False], ids=["clean-end", "cut"])
def test_S6_a_stream_without_done_raises(server: Loopback, read: Read, end: bool) -> None:
    server.scripts = [events(delta("Hel"), end=end, x_request_id="r-1")]
    texts: list[str] = []
    with pytest.raises(sdk.StreamInterrupted) as caught:
        read(server, texts)
    assert texts == ["Hel"]
    assert caught.value.request_id == "r-1"


def test_S6_half_an_event_at_the_end_is_not_a_chunk(server: Loopback, read: Read) -> None:
    server.scripts = [events(delta("Hel"), delta("lo")[:-1])]
    texts: list[str] = []
    with pytest.raises(sdk.StreamInterrupted):
        read(server, texts)
    assert texts == ["Hel"]


@pytest.mark.parametrize("name", [b"", b"event: error\n"])
def test_S6_an_error_event_raises(server: Loopback, read: Read, name: bytes) -> None:
    failure = name + b'data: {"error": {"message": "engine died", "type": "server_error", "code": 500}}\n\n'
    server.scripts = [events(delta("Hel") + failure)]
    texts: list[str] = []
    with pytest.raises(sdk.StreamError, match="engine died") as caught:
        read(server, texts)
    assert texts == ["Hel"]
    assert caught.value.code == 500


def test_S6_an_error_event_need_not_be_json(server: Loopback, read: Read) -> None:
    server.scripts = [events(delta("Hel") + b"event: error\ndata: engine died\n\n", DONE)]
    with pytest.raises(sdk.StreamError, match="engine died"):
        read(server, [])


@pytest.mark.parametrize("data", [b"data: {no\n\n", b"data: [1]\n\n", b'data: {"choices": 1}\n\n'])
def test_an_event_that_is_no_chunk_raises(server: Loopback, read: Read, data: bytes) -> None:
    server.scripts = [events(data, DONE)]
    with pytest.raises(sdk.ResponseError):
        read(server, [])


def test_an_answer_that_is_no_stream_raises(server: Loopback, read: Read) -> None:
    """A server that ignores stream=true is found out."""
    server.scripts = [answer(CHAT)]
    with pytest.raises(sdk.ResponseError, match="content-type is 'application/json'"):
        read(server, [])


def test_the_usage_chunk_has_no_choices(server: Loopback) -> None:
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}\n\n'
    server.scripts = [events(delta("Hi"), usage, DONE)]
    with sdk.Client(server.url) as client:
        options = {"include_usage": True}
        last = list(client.chat.create(model="tiny", messages=HELLO, stream=True, stream_options=options))[-1]
    assert last.text == ""
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (3, 1, 4)


def test_S2_leaving_early_hangs_up(server: Loopback) -> None:
    server.scripts = [events(delta("Hel"), HOLD)]
    with sdk.Client(server.url) as client:
        with client.chat.create(model="tiny", messages=HELLO, stream=True) as chunks:
            assert next(chunks).text == "Hel"
        assert server.hung_up.wait(5)
        assert list(chunks) == []


def test_S2_leaving_an_async_stream_early_hangs_up(server: Loopback) -> None:
    server.scripts = [events(delta("Hel"), HOLD)]

    async def call() -> bool:
        async with sdk.AsyncClient(server.url) as client:
            async with await client.chat.create(model="tiny", messages=HELLO, stream=True) as chunks:
                assert (await anext(chunks)).text == "Hel"
            return await asyncio.to_thread(server.hung_up.wait, 5)

    assert asyncio.run(call())


def test_S2_a_cancelled_task_hangs_up(server: Loopback) -> None:
    server.scripts = [events(delta("Hel"), HOLD)]

    async def consume(client: sdk.AsyncClient, started: asyncio.Event) -> None:
        async with await client.chat.create(model="tiny", messages=HELLO, stream=True) as chunks:
            async for _ in chunks:
                started.set()

    async def call() -> bool:
        async with sdk.AsyncClient(server.url) as client:
            started = asyncio.Event()
            task = asyncio.create_task(consume(client, started))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return await asyncio.to_thread(server.hung_up.wait, 5)

    assert asyncio.run(call())


def test_a_silent_server_is_a_timeout(server: Loopback) -> None:
    server.scripts = [events(delta("Hel"), HOLD)]
    with (
        sdk.Client(server.url, timeout=0.1) as client,
        client.chat.create(model="tiny", messages=HELLO, stream=True) as chunks,
    ):
        assert next(chunks).text == "Hel"
        with pytest.raises(sdk.Timeout):
            next(chunks)
        with pytest.raises(sdk.StreamInterrupted, match="broken off already"):
            next(chunks)  # half an answer never looks like a whole one


def test_S6_a_stream_whose_reader_was_cancelled_does_not_look_as_if_it_had_ended(server: Loopback) -> None:
    server.scripts = [events(delta("Hel"), HOLD)]

    async def call() -> None:
        async with (
            sdk.AsyncClient(server.url) as client,
            await client.chat.create(model="tiny", messages=HELLO, stream=True) as chunks,
        ):
            assert (await anext(chunks)).text == "Hel"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(chunks), 0.05)
            with pytest.raises(sdk.StreamInterrupted, match="or a read of it was cancelled"):
                await anext(chunks)

    asyncio.run(call())


def test_closing_twice_is_harmless(server: Loopback) -> None:
    server.scripts = [events(delta("Hel"), HOLD)]
    with sdk.Client(server.url) as client:
        chunks = client.chat.create(model="tiny", messages=HELLO, stream=True)
        chunks.close()
        chunks.close()
        assert server.hung_up.wait(5)


def test_closing_an_async_stream_that_nobody_read_hangs_up(server: Loopback) -> None:
    server.scripts = [events(delta("Hel"), HOLD)]

    async def call() -> bool:
        async with sdk.AsyncClient(server.url) as client:
            chunks = await client.chat.create(model="tiny", messages=HELLO, stream=True)
            await chunks.close()
            await chunks.close()
            return await asyncio.to_thread(server.hung_up.wait, 5)

    assert asyncio.run(call())


def test_an_event_nested_too_deeply_is_an_answer_that_cannot_be_read(server: Loopback, read: Read) -> None:
    server.scripts = [events(delta("a"), b"data: " + b"[" * 100_000 + b"\n\n", DONE)]
    texts: list[str] = []
    with pytest.raises(sdk.ResponseError, match="not JSON"):
        read(server, texts)
    assert texts == ["a"]


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
def test_an_answer_nested_too_deeply_is_told_in_the_clients_own_errors(server: Loopback, status: str) -> None:
    body = b"[" * 100_000
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    server.scripts = [[head.encode() + body]]
    with sdk.Client(server.url) as client, pytest.raises(sdk.VGateError):
        client.chat.create(model="tiny", messages=HELLO)
