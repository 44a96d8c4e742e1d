"""Streamed answers: iterate over the chunks; leaving early gives the connection back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import Any, Generic, Self, TypeVar

import httpx

from vgate.client.chunks import Chunks, Decode
from vgate.client.errors import ResponseError
from vgate.client.meta import Meta
from vgate.client.underway import Underway

T = TypeVar("T")


def stream_meta(response: httpx.Response) -> Meta:
    """Header facts of a streamed answer.

    Raises:
        ResponseError: The answer is not an event stream.
    """
    kind = response.headers.get("content-type", "")
    if not kind.lower().startswith("text/event-stream"):
        raise ResponseError(f"a stream was asked for, but the answer's content-type is {kind!r}")
    return Meta.read(response.headers)


class Stream(Generic[T]):
    """Iterator over the chunks of one answer, for one thread at a time.

    Ends after ``[DONE]``. Raises StreamError on an error event, StreamInterrupted when the stream
    stops without ``[DONE]`` and Timeout when the server falls silent; chunks that came before have
    been yielded by then. Who goes on reading gets StreamInterrupted: what failed never looks as if it
    had ended. `meta` holds what the headers said.

    The connection is given back at the end, on an error, by `close`, at the end of a ``with`` block,
    and when nobody holds the stream any more, as after ``break``.
    """

    def __init__(
        self,
        response: httpx.Response,
        meta: Meta,
        decode: Decode[T],
        owned: ExitStack,
        underway: Underway | None = None,
    ) -> None:
        self.meta = meta
        self._response = response
        self._owned = owned
        # No reference to the stream itself: it shall go as soon as nobody holds it.
        self._state = Chunks(meta, decode)
        self._chunks = _read(response, owned, self._state)
        self._underway = underway  # None where the connections are this stream's alone
        if underway is not None:
            underway.hold(self._chunks, owned)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        try:
            return next(self._chunks)
        except StopIteration:
            self._state.over()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        with suppress(Exception):  # the interpreter may be going
            if self._underway is None:
                self.close()
            elif self._underway.lose(self._chunks, self._owned):
                _hang_up(self._response)

    def close(self) -> None:
        """Give the connection back, which tells the server to stop. May be called twice, and by any thread.

        A thread that waits for the next chunk meanwhile gets StreamInterrupted.
        """
        self._state.left = True
        try:
            self._chunks.close()
        except ValueError:  # another thread is in it, and closes all when it wakes
            _hang_up(self._response)
        else:
            self._owned.close()


class AsyncStream(Generic[T]):
    """The same as Stream, for ``async for`` and ``async with``."""

    _closed = True  # until there is something to close

    def __init__(self, response: httpx.Response, meta: Meta, decode: Decode[T], owned: AsyncExitStack) -> None:
        self.meta = meta
        self._owned = owned
        self._state = Chunks(meta, decode)
        self._chunks = _read_async(response, owned, self._state)
        self._loop = asyncio.get_running_loop()
        self._closed = False
        _open.add(self._chunks)
        owned.callback(_open.discard, self._chunks)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            self._closed |= self._state.done  # else a task that was cancelled may not have closed all
            self._state.over()
            raise
        except RuntimeError:  # another task is in it
            raise
        except Exception:
            self._closed = True
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __del__(self) -> None:
        if self._closed:
            return
        try:
            self._loop.call_soon_threadsafe(_close_later, self._loop, self._chunks, self._owned)
        except Exception:  # noqa: BLE001 - the loop may be closed, and all connections with it
            _open.discard(self._chunks)

    async def close(self) -> None:
        """Give the connection back, which tells the server to stop. May be called twice, and by any task.

        A task that waits for the next chunk meanwhile gets StreamInterrupted.
        """
        self._state.left = True
        await _close(self._chunks, self._owned)
        self._closed = True


# Else the search for garbage would find what a lost stream reads from too, and close it at the same time as the stream.
_open: set[AsyncGenerator[Any]] = set()
_closing: set[asyncio.Task[None]] = set()  # a loop holds its tasks only weakly


def _close_later(loop: asyncio.AbstractEventLoop, chunks: AsyncGenerator[Any], owned: AsyncExitStack) -> None:
    task = loop.create_task(_close(chunks, owned))
    _closing.add(task)
    task.add_done_callback(_closing.discard)


async def _close(chunks: AsyncGenerator[Any], owned: AsyncExitStack) -> None:
    with suppress(RuntimeError):  # another task is in it
        await chunks.aclose()
    await owned.aclose()


def _hang_up(response: httpx.Response) -> None:
    """Wake whoever waits for more of the answer; closing a socket would not."""
    network = response.extensions.get("network_stream")
    connection = network.get_extra_info("socket") if network else None
    if connection is not None:
        with suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _read(response: httpx.Response, owned: ExitStack, chunks: Chunks[T]) -> Generator[T]:
    try:
        for data in response.iter_bytes():
            yield from chunks.feed(data)
            if chunks.done:
                return
        chunks.end()
    except httpx.RequestError as error:
        raise chunks.failed(error) from error
    finally:
        owned.close()


async def _read_async(response: httpx.Response, owned: AsyncExitStack, chunks: Chunks[T]) -> AsyncGenerator[T]:
    try:
        async for data in response.aiter_bytes():
            for chunk in chunks.feed(data):
                yield chunk
            if chunks.done:
                return
        chunks.end()
    except httpx.RequestError as error:
        raise chunks.failed(error) from error
    finally:
        await owned.aclose()
