"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Literal, Self, TypeVar, overload

import httpx

from vgate.client.errors import api_error, transport_error
from vgate.client.request import Headers, body_of, read_json
from vgate.client.retry import RetryPolicy
from vgate.client.settings import DEFAULT_TIMEOUT_S, http_options
from vgate.client.stream import AsyncStream, Decode, stream_meta
from vgate.client.types import ChatCompletion, ChatCompletionChunk, EmbeddingList

T = TypeVar("T")


class AsyncClient:
    """Talks to one OpenAI-compatible server over kept-alive connections; for the tasks of one event loop.

    Args:
        base_url: Address with the version path; else ``VGATE_BASE_URL``, else localhost, port 8000.
        api_key: Sent as a bearer token; else ``VGATE_API_KEY``, else none is sent.
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
        self.embeddings = AsyncEmbeddingResource(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def post(self, path: str, body: Mapping[str, Any], decode: Decode[T], headers: Headers = None) -> T:
        """POST `body` to `path` below the base address and decode the whole answer."""
        request = self._http.build_request("POST", path, json=body, headers=headers)
        return decode(*read_json(await self._send(request)))

    async def stream(
        self,
        path: str,
        body: Mapping[str, Any],
        decode: Decode[T],
        headers: Headers = None,
        owned: AsyncExitStack | None = None,
    ) -> AsyncStream[T]:
        """POST `body` to `path` and decode the events of the answer one by one as they come.

        What is in `owned` is closed together with the stream.
        """
        request = self._http.build_request("POST", path, json=body, headers=headers)
        async with owned or AsyncExitStack() as stack:
            response = await self._send(request, stream=True)
            stack.push_async_callback(response.aclose)
            meta = stream_meta(response)
            return AsyncStream(response, meta, decode, stack.pop_all())

    async def _send(self, request: httpx.Request, stream: bool = False) -> httpx.Response:
        attempt = 0
        while not (response := await self._try(request, stream)).is_success:
            error = api_error(response)
            wait_s = self._retry.wait_s(attempt, error)
            if wait_s is None:
                raise error
            await self._sleep(wait_s)
            attempt += 1
        return response

    async def _try(self, request: httpx.Request, stream: bool) -> httpx.Response:
        try:
            response = await self._http.send(request, stream=stream)
            if not response.is_success:
                await response.aread()
        except httpx.RequestError as error:
            raise transport_error(error) from error
        return response


class _Resource:
    """One endpoint of a given client, or of a client made for each call from the environment."""

    def __init__(self, client: AsyncClient | None = None) -> None:
        self._client = client

    async def _post(self, path: str, body: dict[str, Any], decode: Decode[T], headers: Headers) -> T:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(AsyncClient()) if self._client is None else self._client
            return await client.post(path, body, decode, headers)

    async def _stream(self, path: str, body: dict[str, Any], decode: Decode[T], headers: Headers) -> AsyncStream[T]:
        owned = AsyncExitStack()
        client = await owned.enter_async_context(AsyncClient()) if self._client is None else self._client
        return await client.stream(path, body, decode, headers, owned)


class AsyncChatResource(_Resource):
    """``/chat/completions``."""

    # fmt: off
    @overload
    async def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], stream: Literal[False] = False,
        extra_headers: Headers = None, **params: Any,
    ) -> ChatCompletion: ...
    @overload
    async def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], stream: Literal[True],
        extra_headers: Headers = None, **params: Any,
    ) -> AsyncStream[ChatCompletionChunk]: ...
    # fmt: on
    async def create(
        self,
        *,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        stream: bool = False,
        extra_headers: Headers = None,
        **params: Any,
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]:
        """Answer a conversation, whole or (with `stream`) piece by piece.

        `params` go into the request as they are (``temperature``, ``tools``, ...).
        """
        body = body_of(model, stream, params, messages=list(messages))
        if stream:
            return await self._stream("chat/completions", body, ChatCompletionChunk.read, extra_headers)
        return await self._post("chat/completions", body, ChatCompletion.read, extra_headers)


class AsyncEmbeddingResource(_Resource):
    """``/embeddings``."""

    async def create(
        self,
        *,
        model: str,
        input: str | Sequence[str],  # noqa: A002 - the API's name
        extra_headers: Headers = None,
        **params: Any,
    ) -> EmbeddingList:
        """Embed a text, or each of several."""
        texts = input if isinstance(input, str) else list(input)
        body = body_of(model, False, params, input=texts)
        return await self._post("embeddings", body, EmbeddingList.read, extra_headers)
