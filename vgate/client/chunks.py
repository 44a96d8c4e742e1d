"""A streamed answer's bytes made chunks, without input or output of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

import httpx

from vgate.client.errors import ResponseError, StreamError, StreamInterrupted, Timeout, VGateError, error_fields
from vgate.client.meta import Meta
from vgate.client.reading import Json
from vgate.client.sse import Event, EventTooLong, SSEDecoder

T = TypeVar("T")
Decode = Callable[[Json, Meta], T]
_DONE = "[DONE]"


class Chunks(Generic[T]):
    """Bytes in, chunks out: what both kinds of stream do between two reads."""

    def __init__(self, meta: Meta, decode: Decode[T]) -> None:
        self.done = False  # the server has said so
        self.left = False  # the program has closed the stream
        self._meta = meta
        self._decode = decode
        self._events = SSEDecoder()

    def feed(self, data: bytes) -> Generator[T]:
        try:
            for event in self._events.feed(data):
                if event.data.startswith(_DONE):
                    self.done = True
                    return
                if event.data:
                    yield self._chunk(event)
        except EventTooLong as error:
            raise ResponseError(str(error)) from error

    def end(self) -> None:
        last = self._events.flush()
        if last is None or not last.data.startswith(_DONE):
            raise self.broken("the stream ended before [DONE]")
        self.done = True

    def over(self) -> None:
        """Nothing more comes. Raises StreamInterrupted where that is neither the server's wish nor the program's."""
        if not (self.done or self.left):
            raise self.broken("the stream has broken off already, or a read of it was cancelled") from None

    def broken(self, why: str) -> StreamInterrupted:
        return StreamInterrupted(why, request_id=self._meta.request_id)

    def failed(self, error: httpx.RequestError) -> VGateError:
        if isinstance(error, httpx.DecodingError):
            return ResponseError(f"the stream cannot be unpacked: {error}")
        if isinstance(error, httpx.TimeoutException):
            return Timeout("the server fell silent in the middle of the stream")
        return self.broken(f"the connection broke in the middle of the stream: {str(error) or type(error).__name__}")

    def _chunk(self, event: Event) -> T:
        try:
            raw = json.loads(event.data)
        except (ValueError, RecursionError) as error:  # the second for nesting
            if event.name == "error":
                raise StreamError(*error_fields(event.data), self._meta.request_id) from None
            raise ResponseError(f"an event of the stream is not JSON: {event.data[:200]!r}") from error
        if event.name == "error" or (isinstance(raw, dict) and raw.get("error")):
            raise StreamError(*error_fields(raw), self._meta.request_id)
        if not isinstance(raw, dict):
            raise ResponseError(f"an event of the stream is not a JSON object: {event.data[:200]!r}")
        return self._decode(raw, self._meta)
