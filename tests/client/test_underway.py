"""What becomes of a stream that nobody holds any more, wherever its client is at that moment."""

import asyncio
import gc
import os
import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.client.loopback import CHAT, DONE, HOLD, Loopback, delta, events
from vgate import client as sdk
from vgate.client.stream import _open
from vgate.client.underway import Underway


class Pool(httpx.BaseTransport):
    """Has a lock, as httpx's own has; garbage is searched for while it is held, as happens now and then."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.closed: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            gc.collect()
        if b"stream" in request.content:
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Body(self))
        return httpx.Response(200, json=CHAT)


class Body(httpx.SyncByteStream):
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __iter__(self) -> Iterator[bytes]:
        yield from (delta("a"), delta("b"), DONE)

    def close(self) -> None:
        self._pool.closed.append("would wait for ever" if self._pool.lock.locked() else "well")


def lose(client: sdk.Client) -> None:
    """Read one chunk of a stream and leave it to the search for garbage."""
    stream = client.chat.create(model="m", messages=[], stream=True)
    assert next(stream).text == "a"
    ring: list[object] = [stream]
    ring.append(ring)


@pytest.fixture(autouse=True)
def _no_garbage_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_a_lost_stream_is_closed_outside_the_lock_of_the_connections() -> None:
    pool = Pool()
    with sdk.Client(transport=pool) as client:
        lose(client)
        client.chat.create(model="m", messages=[])
        assert pool.closed == []
        client.chat.create(model="m", messages=[])
        assert pool.closed == ["well"]


def test_the_end_of_a_client_closes_what_was_lost() -> None:
    pool = Pool()
    with sdk.Client(transport=pool) as client:
        lose(client)
        gc.collect()
    assert pool.closed == ["well"]


def test_what_an_async_stream_read_from_is_closed_once(server: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    server.scripts = [events(delta("a"), HOLD)]

    async def lose_it(client: sdk.AsyncClient) -> None:
        stream = await client.chat.create(model="m", messages=[], stream=True)
        assert (await anext(stream)).text == "a"
        ring: list[object] = [stream]
        ring.append(ring)

    async def call() -> None:
        async with sdk.AsyncClient(server.url) as client:
            await lose_it(client)
            gc.collect()
            assert await asyncio.to_thread(server.hung_up.wait, 5)

    asyncio.run(call())
    gc.collect()
    assert caplog.text == ""


def test_a_stream_that_two_tasks_read_is_closed_too(server: Loopback) -> None:
    server.scripts = [events(delta("a"), HOLD)]

    async def read_twice(client: sdk.AsyncClient) -> None:
        stream = await client.chat.create(model="m", messages=[], stream=True)
        await anext(stream)
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="already running"):
            await anext(stream)
        first.cancel()

    async def call() -> None:
        async with sdk.AsyncClient(server.url) as client:
            await read_twice(client)
            assert await asyncio.to_thread(server.hung_up.wait, 5)

    asyncio.run(call())
    gc.collect()
    assert not _open


def numbers() -> Generator[int]:
    yield from range(3)


def test_a_forked_process_leaves_its_parents_streams_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    underway, chunks, owned = Underway(), numbers(), ExitStack()
    underway.hold(chunks, owned)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        assert not underway.lose(chunks, owned)
    assert next(chunks) == 0
    assert underway.lose(chunks, owned)
    underway.close_lost()
    assert list(chunks) == []
    assert not underway.lose(chunks, owned)
