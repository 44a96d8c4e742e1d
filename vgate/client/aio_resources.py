"""The endpoints of the client for asyncio."""

# ruff: noqa: ASYNC109 - `timeout` bounds the silence between two bytes, which asyncio.timeout cannot

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from vgate.client.chunks import Decode
from vgate.client.reading import Json
from vgate.client.request import Headers, Texts, Way, body_of, listed
from vgate.client.stream import AsyncStream
from vgate.client.types import ChatCompletion, ChatCompletionChunk, EmbeddingList, ModelList, TextCompletion

if TYPE_CHECKING:
    from vgate.client.aio import AsyncClient

T = TypeVar("T")


class _Resource:
    """One endpoint, of a client or, given the class, of a client made for each call from the environment."""

    def __init__(self, client: AsyncClient | type[AsyncClient]) -> None:
        self._client = client

    async def _in(self, stack: AsyncExitStack) -> AsyncClient:
        if not isinstance(self._client, type):
            return self._client
        return await stack.enter_async_context(self._client())

    async def _post(self, path: str, body: Json, decode: Decode[T], way: Way) -> T:
        async with AsyncExitStack() as stack:
            return await (await self._in(stack)).post(path, body, decode, way)

    async def _stream(self, path: str, body: Json, decode: Decode[T], way: Way) -> AsyncStream[T]:
        owned = AsyncExitStack()
        return await (await self._in(owned)).stream(path, body, decode, way, owned)


class AsyncChatResource(_Resource):
    """``/chat/completions``."""

    # fmt: off
    @overload
    async def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], stream: Literal[False] = False,
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> ChatCompletion: ...
    @overload
    async def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], stream: Literal[True],
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> AsyncStream[ChatCompletionChunk]: ...
    @overload
    async def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], stream: bool,
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]: ...
    # fmt: on
    async def create(
        self,
        *,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        stream: bool = False,
        extra_headers: Headers = None,
        timeout: float | None = None,
        **params: Any,
    ) -> ChatCompletion | AsyncStream[ChatCompletionChunk]:
        """Answer a conversation, whole or (with `stream`) piece by piece.

        `params` go into the request as they are (``temperature``, ``tools``, ...). `timeout` is this
        call's, in seconds of silence; None is the client's.
        """
        way, body = Way(extra_headers, timeout), body_of(model, stream, params, messages=list(messages))
        if stream:
            return await self._stream("chat/completions", body, ChatCompletionChunk.read, way)
        return await self._post("chat/completions", body, ChatCompletion.read, way)


class AsyncCompletionResource(_Resource):
    """``/completions``: prompts that are not conversations."""

    # fmt: off
    @overload
    async def create(
        self, *, model: str, prompt: Texts, stream: Literal[False] = False,
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> TextCompletion: ...
    @overload
    async def create(
        self, *, model: str, prompt: Texts, stream: Literal[True],
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> AsyncStream[TextCompletion]: ...
    @overload
    async def create(
        self, *, model: str, prompt: Texts, stream: bool,
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> TextCompletion | AsyncStream[TextCompletion]: ...
    # fmt: on
    async def create(
        self,
        *,
        model: str,
        prompt: Texts,
        stream: bool = False,
        extra_headers: Headers = None,
        timeout: float | None = None,
        **params: Any,
    ) -> TextCompletion | AsyncStream[TextCompletion]:
        """Continue a prompt (text or token ids), or each of several. The rest is as in a chat."""
        way, body = Way(extra_headers, timeout), body_of(model, stream, params, prompt=listed(prompt))
        if stream:
            return await self._stream("completions", body, TextCompletion.read, way)
        return await self._post("completions", body, TextCompletion.read, way)


class AsyncEmbeddingResource(_Resource):
    """``/embeddings``."""

    async def create(
        self,
        *,
        model: str,
        input: Texts,  # noqa: A002 - the API's name
        extra_headers: Headers = None,
        timeout: float | None = None,
        **params: Any,
    ) -> EmbeddingList:
        """Embed a text (or its token ids), or each of several."""
        body = body_of(model, False, params, input=listed(input))
        return await self._post("embeddings", body, EmbeddingList.read, Way(extra_headers, timeout))


class AsyncModelsResource(_Resource):
    """``/models``."""

    async def list(self, *, extra_headers: Headers = None, timeout: float | None = None) -> ModelList:
        """What the server serves."""
        async with AsyncExitStack() as stack:
            return await (await self._in(stack)).get("models", ModelList.read, Way(extra_headers, timeout))
