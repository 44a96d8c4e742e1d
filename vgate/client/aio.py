"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self, TypeVar

import httpx

from vgate.client.aio_resources import (
    AsyncChatResource,
    AsyncCompletionResource,
    AsyncEmbeddingResource,
    AsyncModelsResource,
)
from vgate.client.chunks import Decode
from vgate.client.errors import VGateError, api_error, broken_answer, transport_error
from vgate.client.request import USUAL, Way, read_json
from vgate.client.retry import RetryPolicy
from vgate.client.settings import DEFAULT_TIMEOUT_S, http_options
from vgate.client.stream import AsyncStream, stream_meta

T = TypeVar("T")


class AsyncClient:
    """Talks to one OpenAI-compatible server over kept-alive connections; for the tasks of one event loop.

    A stream uses its connection up: a server need not end it after ``[DONE]``, and is not waited for.

    Args:
        base_url: Address with the version path; else ``VGATE_BASE_URL``, else localhost, port 8000.
        api_key: Sent as a bearer token; else ``VGATE_API_KEY``; where it is empty, none is sent.
        timeout: Seconds the server may stay silent (between bytes too); None waits for ever.
        retry: Which refusals are tried again, how often and when.
        sleep: How to wait between tries, in seconds.
        transport: An httpx transport to use instead of the network.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float | None = DEFAULT_TIMEOUT_S,
        retry: RetryPolicy | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(**http_options(base_url, api_key, timeout), transport=transport)
        self._retry = retry or RetryPolicy()
        self._sleep = sleep
        self.chat = AsyncChatResource(self)
        self.completions = AsyncCompletionResource(self)
        self.embeddings = AsyncEmbeddingResource(self)
        self.models = AsyncModelsResource(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections. May be called twice."""
        await self._http.aclose()

    async def get(self, path: str, decode: Decode[T], way: Way = USUAL) -> T:
        """GET `path` below the base address and decode the whole answer."""
        return decode(*read_json(await self._send("GET", path, None, way)))

    async def post(self, path: str, body: Mapping[str, Any], decode: Decode[T], way: Way = USUAL) -> T:
        """POST `body` to `path` below the base address and decode the whole answer."""
        return decode(*read_json(await self._send("POST", path, body, way)))

    async def stream(
        self,
        path: str,
        body: Mapping[str, Any],
        decode: Decode[T],
        way: Way = USUAL,
        owned: AsyncExitStack | None = None,
    ) -> AsyncStream[T]:
        """POST `body` to `path` and decode the events of the answer one by one as they come.

        What is in `owned` is closed together with the stream.
        """
        async with owned or AsyncExitStack() as stack:
            response = await self._send("POST", path, body, way, stream=True)
            stack.push_async_callback(response.aclose)
            meta = stream_meta(response)
            return AsyncStream(response, meta, decode, stack.pop_all())

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, way: Way, stream: bool = False
    ) -> httpx.Response:
        request = self._http.build_request(method, path, json=body, **way.options())
        attempt = 0
        while True:
            try:
                return await _try(self._http, request, stream)
            except VGateError as error:
                wait_s = self._retry.wait_s(attempt, error)
                if wait_s is None:
                    raise
            await self._sleep(wait_s)
            attempt += 1


async def _try(http: httpx.AsyncClient, request: httpx.Request, stream: bool) -> httpx.Response:
    try:
        response = await http.send(request, stream=True)
    except httpx.RequestError as error:
        raise transport_error(error) from error
    async with AsyncExitStack() as stack:
        stack.push_async_callback(response.aclose)
        try:
            if not (stream and response.is_success):
                await response.aread()
        except httpx.RequestError as error:
            raise broken_answer(response, error) from error
        if response.is_success:
            stack.pop_all()
            return response
    raise api_error(response)
