"""Streamed answers: iterate over the chunks; leaving early gives the connection back."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, ExitStack
from typing import Generic, Self, TypeVar

import httpx

from vgate.client.errors import (
    ResponseError,
    StreamError,
    StreamInterrupted,
    Timeout,
    VGateError,
    error_fields,
)
from vgate.client.meta import Meta
from vgate.client.sse import Event, SSEDecoder
from vgate.client.types import Json

T = TypeVar("T")
Decode = Callable[[Json, Meta], T]


class _Chunks(Generic[T]):
    """Bytes in, chunks out: what both kinds of stream do between two reads."""

    def __init__(self, meta: Meta, decode: Decode[T]) -> None:
        self.done = False
        self._meta = meta
        self._decode = decode
        self._events = SSEDecoder()

    def feed(self, data: bytes) -> Generator[T]:
        for event in self._events.feed(data):
            if event.data == "[DONE]":
                self.done = True
                return
            if event.data:
                yield self._chunk(event)

    def end(self) -> None:
        last = self._events.flush()
        if last is None or last.data != "[DONE]":
            raise self.broken("the stream ended before [DONE]")

    def broken(self, why: str) -> StreamInterrupted:
        return StreamInterrupted(why, request_id=self._meta.request_id)

    def failed(self, error: httpx.RequestError) -> VGateError:
        if isinstance(error, httpx.TimeoutException):
            return Timeout("the server fell silent in the middle of the stream")
        return self.broken(f"the connection broke in the middle of the stream: {error}")

    def _chunk(self, event: Event) -> T:
        try:
            raw = json.loads(event.data)
        except (ValueError, RecursionError) as error:  # the second for nesting
            raise ResponseError(f"an event of the stream is not JSON: {event.data[:200]!r}") from error
        if event.name == "error" or (isinstance(raw, dict) and raw.get("error")):
            raise StreamError(*error_fields(raw), self._meta.request_id)
        if not isinstance(raw, dict):
            raise ResponseError(f"an event of the stream is not a JSON object: {event.data[:200]!r}")
        return self._decode(raw, self._meta)


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
    """Iterator over the chunks of one answer; use it in a ``with`` block if you may leave early.

    Ends after ``[DONE]``. Raises StreamError on an error event, StreamInterrupted when the stream
    stops without ``[DONE]`` and Timeout when the server falls silent; chunks that came before have
    been yielded by then. `meta` holds what the headers said.
    """

    def __init__(self, response: httpx.Response, meta: Meta, decode: Decode[T], owned: ExitStack) -> None:
        self.meta = meta
        self._response = response
        self._owned = owned
        self._chunks = self._read(_Chunks(self.meta, decode))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return next(self._chunks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back, which tells the server to stop. May be called twice."""
        self._chunks.close()
        self._owned.close()

    def _read(self, chunks: _Chunks[T]) -> Generator[T]:
        try:
            for data in self._response.iter_bytes():
                yield from chunks.feed(data)
                if chunks.done:
                    return
            chunks.end()
        except httpx.RequestError as error:
            raise chunks.failed(error) from error
        finally:
            self._owned.close()


class AsyncStream(Generic[T]):
    """The same as Stream, for ``async for`` and ``async with``."""

    def __init__(self, response: httpx.Response, meta: Meta, decode: Decode[T], owned: AsyncExitStack) -> None:
        self.meta = meta
        self._response = response
        self._owned = owned
        self._chunks = self._read(_Chunks(self.meta, decode))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        return await anext(self._chunks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connection back, which tells the server to stop. May be called twice."""
        await self._chunks.aclose()
        await self._owned.aclose()

    async def _read(self, chunks: _Chunks[T]) -> AsyncGenerator[T]:
        try:
            async for data in self._response.aiter_bytes():
                for chunk in chunks.feed(data):
                    yield chunk
                if chunks.done:
                    return
            chunks.end()
        except httpx.RequestError as error:
            raise chunks.failed(error) from error
        finally:
            await self._owned.aclose()
