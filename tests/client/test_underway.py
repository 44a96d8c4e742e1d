"""What becomes of a stream that nobody holds any more, wherever its client is at that moment."""

import gc
import os
import threading
from collections.abc import Generator, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.client.loopback import CHAT, DONE, delta
from vgate import client as sdk
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
