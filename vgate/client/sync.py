"""The blocking client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Literal, Self, TypeVar, overload

import httpx

from vgate.client.errors import api_error, transport_error
from vgate.client.request import Headers, body_of, read_json
from vgate.client.retry import RetryPolicy
from vgate.client.settings import DEFAULT_TIMEOUT_S, http_options
from vgate.client.stream import Decode, Stream, stream_meta
from vgate.client.types import ChatCompletion, ChatCompletionChunk, EmbeddingList

T = TypeVar("T")


class Client:
    """Talks to one OpenAI-compatible server over kept-alive connections; threads may share it.

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
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(**http_options(base_url, api_key, timeout), transport=transport)
        self._retry = retry or RetryPolicy()
        self._sleep = sleep
        self.chat = ChatResource(self)
        self.embeddings = EmbeddingResource(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def post(self, path: str, body: Mapping[str, Any], decode: Decode[T], headers: Headers = None) -> T:
        """POST `body` to `path` below the base address and decode the whole answer."""
        request = self._http.build_request("POST", path, json=body, headers=headers)
        return decode(*read_json(self._send(request)))

    def stream(
        self,
        path: str,
        body: Mapping[str, Any],
        decode: Decode[T],
        headers: Headers = None,
        owned: ExitStack | None = None,
    ) -> Stream[T]:
        """POST `body` to `path` and decode the events of the answer one by one as they come.

        What is in `owned` is closed together with the stream.
        """
        request = self._http.build_request("POST", path, json=body, headers=headers)
        with owned or ExitStack() as stack:
            response = self._send(request, stream=True)
            stack.callback(response.close)
            meta = stream_meta(response)
            return Stream(response, meta, decode, stack.pop_all())

    def _send(self, request: httpx.Request, stream: bool = False) -> httpx.Response:
        attempt = 0
        while not (response := self._try(request, stream)).is_success:
            error = api_error(response)
            wait_s = self._retry.wait_s(attempt, error)
            if wait_s is None:
                raise error
            self._sleep(wait_s)
            attempt += 1
        return response

    def _try(self, request: httpx.Request, stream: bool) -> httpx.Response:
        try:
            response = self._http.send(request, stream=stream)
            if not response.is_success:
                response.read()
        except httpx.RequestError as error:
            raise transport_error(error) from error
        return response


class _Resource:
    """One endpoint of a given client, or of a client made for each call from the environment."""

    def __init__(self, client: Client | None = None) -> None:
        self._client = client

    def _post(self, path: str, body: dict[str, Any], decode: Decode[T], headers: Headers) -> T:
        with ExitStack() as stack:
            client = self._client or stack.enter_context(Client())
            return client.post(path, body, decode, headers)

    def _stream(self, path: str, body: dict[str, Any], decode: Decode[T], headers: Headers) -> Stream[T]:
        owned = ExitStack()
        client = self._client or owned.enter_context(Client())
        return client.stream(path, body, decode, headers, owned)


class ChatResource(_Resource):
    """``/chat/completions``."""

    # fmt: off
    @overload
    def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], stream: Literal[False] = False,
        extra_headers: Headers = None, **params: Any,
    ) -> ChatCompletion: ...
    @overload
    def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], stream: Literal[True],
        extra_headers: Headers = None, **params: Any,
    ) -> Stream[ChatCompletionChunk]: ...
    # fmt: on
    def create(
        self,
        *,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        stream: bool = False,
        extra_headers: Headers = None,
        **params: Any,
    ) -> ChatCompletion | Stream[ChatCompletionChunk]:
        """Answer a conversation, whole or (with `stream`) piece by piece.

        `params` go into the request as they are (``temperature``, ``tools``, ...).
        """
        body = body_of(model, stream, params, messages=list(messages))
        if stream:
            return self._stream("chat/completions", body, ChatCompletionChunk.read, extra_headers)
        return self._post("chat/completions", body, ChatCompletion.read, extra_headers)


class EmbeddingResource(_Resource):
    """``/embeddings``."""

    def create(
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
        return self._post("embeddings", body, EmbeddingList.read, extra_headers)
