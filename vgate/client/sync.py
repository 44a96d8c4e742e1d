"""The blocking client."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Self, TypeVar

import httpx

from vgate.client.chunks import Decode
from vgate.client.errors import VGateError, api_error, broken_answer, transport_error
from vgate.client.request import USUAL, Way, read_json
from vgate.client.resources import ChatResource, CompletionResource, EmbeddingResource, ModelsResource
from vgate.client.retry import RetryPolicy
from vgate.client.settings import DEFAULT_TIMEOUT_S, http_options
from vgate.client.stream import Stream, stream_meta
from vgate.client.underway import Underway

T = TypeVar("T")


class Client:
    """Talks to one OpenAI-compatible server over kept-alive connections; threads may share it.

    A stream uses its connection up: a server need not end it after ``[DONE]``, and is not waited for.
    A process that was forked may go on with it too: it makes connections of its own.

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
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._connect = functools.partial(httpx.Client, **http_options(base_url, api_key, timeout), transport=transport)
        self._http, self._process, self._underway = self._connect(), os.getpid(), Underway()
        self._inherited: list[object] = []
        self._retry = retry or RetryPolicy()
        self._sleep = sleep
        self.chat = ChatResource(self)
        self.completions = CompletionResource(self)
        self.embeddings = EmbeddingResource(self)
        self.models = ModelsResource(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections. May be called twice."""
        self._own().close()

    def get(self, path: str, decode: Decode[T], way: Way = USUAL) -> T:
        """GET `path` below the base address and decode the whole answer."""
        return decode(*read_json(self._send("GET", path, None, way)))

    def post(self, path: str, body: Mapping[str, Any], decode: Decode[T], way: Way = USUAL) -> T:
        """POST `body` to `path` below the base address and decode the whole answer."""
        return decode(*read_json(self._send("POST", path, body, way)))

    def stream(
        self,
        path: str,
        body: Mapping[str, Any],
        decode: Decode[T],
        way: Way = USUAL,
        owned: ExitStack | None = None,
    ) -> Stream[T]:
        """POST `body` to `path` and decode the events of the answer one by one as they come.

        What is in `owned`, this client too, is closed together with the stream.
        """
        with owned or ExitStack() as stack:
            response = self._send("POST", path, body, way, stream=True)
            stack.callback(response.close)
            meta = stream_meta(response)
            return Stream(response, meta, decode, stack.pop_all(), None if owned else self._underway)

    def _own(self) -> httpx.Client:
        """This process's connections: on those of the parent answers would get mixed up."""
        if self._process != os.getpid():
            self._inherited += [self._http, self._underway]  # neither used nor closed: its locks may be held for ever
            self._http, self._process, self._underway = self._connect(), os.getpid(), Underway()
        self._underway.close_lost()
        return self._http

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, way: Way, stream: bool = False
    ) -> httpx.Response:
        http = self._own()
        request = http.build_request(method, path, json=body, **way.options())
        attempt = 0
        while True:
            try:
                return _try(http, request, stream)
            except VGateError as error:
                wait_s = self._retry.wait_s(attempt, error)
                if wait_s is None:
                    raise
            self._sleep(wait_s)
            attempt += 1


def _try(http: httpx.Client, request: httpx.Request, stream: bool) -> httpx.Response:
    try:
        response = http.send(request, stream=True)
    except httpx.RequestError as error:
        raise transport_error(error) from error
    with ExitStack() as stack:
        stack.callback(response.close)
        try:
            if not (stream and response.is_success):
                response.read()
        except httpx.RequestError as error:
            raise broken_answer(response, error) from error
        if response.is_success:
            stack.pop_all()
            return response
    raise api_error(response)
