"""The endpoints of the blocking client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from vgate.client.chunks import Decode
from vgate.client.reading import Json
from vgate.client.request import Headers, Texts, Way, body_of, listed
from vgate.client.stream import Stream
from vgate.client.types import ChatCompletion, ChatCompletionChunk, EmbeddingList, ModelList, TextCompletion

if TYPE_CHECKING:
    from vgate.client.sync import Client

T = TypeVar("T")


class _Resource:
    """One endpoint, of a client or, given the class, of a client made for each call from the environment."""

    def __init__(self, client: Client | type[Client]) -> None:
        self._client = client

    def _in(self, stack: ExitStack) -> Client:
        return stack.enter_context(self._client()) if isinstance(self._client, type) else self._client

    def _post(self, path: str, body: Json, decode: Decode[T], way: Way) -> T:
        with ExitStack() as stack:
            return self._in(stack).post(path, body, decode, way)

    def _stream(self, path: str, body: Json, decode: Decode[T], way: Way) -> Stream[T]:
        if not isinstance(self._client, type):
            return self._client.stream(path, body, decode, way)
        owned = ExitStack()
        return self._in(owned).stream(path, body, decode, way, owned)


class ChatResource(_Resource):
    """``/chat/completions``."""

    # fmt: off
    @overload
    def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], stream: Literal[False] = False,
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> ChatCompletion: ...
    @overload
    def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], stream: Literal[True],
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> Stream[ChatCompletionChunk]: ...
    @overload
    def create(
        self, *, model: str, messages: Sequence[Mapping[str, Any]], stream: bool,
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> ChatCompletion | Stream[ChatCompletionChunk]: ...
    # fmt: on
    def create(
        self,
        *,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        stream: bool = False,
        extra_headers: Headers = None,
        timeout: float | None = None,
        **params: Any,
    ) -> ChatCompletion | Stream[ChatCompletionChunk]:
        """Answer a conversation, whole or (with `stream`) piece by piece.

        `params` go into the request as they are (``temperature``, ``tools``, ...). `timeout` is this
        call's, in seconds of silence; None is the client's.
        """
        way, body = Way(extra_headers, timeout), body_of(model, stream, params, messages=list(messages))
        if stream:
            return self._stream("chat/completions", body, ChatCompletionChunk.read, way)
        return self._post("chat/completions", body, ChatCompletion.read, way)


class CompletionResource(_Resource):
    """``/completions``: prompts that are not conversations."""

    # fmt: off
    @overload
    def create(
        self, *, model: str, prompt: Texts, stream: Literal[False] = False,
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> TextCompletion: ...
    @overload
    def create(
        self, *, model: str, prompt: Texts, stream: Literal[True],
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> Stream[TextCompletion]: ...
    @overload
    def create(
        self, *, model: str, prompt: Texts, stream: bool,
        extra_headers: Headers = None, timeout: float | None = None, **params: Any,
    ) -> TextCompletion | Stream[TextCompletion]: ...
    # fmt: on
    def create(
        self,
        *,
        model: str,
        prompt: Texts,
        stream: bool = False,
        extra_headers: Headers = None,
        timeout: float | None = None,
        **params: Any,
    ) -> TextCompletion | Stream[TextCompletion]:
        """Continue a prompt (text or token ids), or each of several. The rest is as in a chat."""
        way, body = Way(extra_headers, timeout), body_of(model, stream, params, prompt=listed(prompt))
        if stream:
            return self._stream("completions", body, TextCompletion.read, way)
        return self._post("completions", body, TextCompletion.read, way)


class EmbeddingResource(_Resource):
    """``/embeddings``."""

    def create(
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
        return self._post("embeddings", body, EmbeddingList.read, Way(extra_headers, timeout))


class ModelsResource(_Resource):
    """``/models``."""

    def list(self, *, extra_headers: Headers = None, timeout: float | None = None) -> ModelList:
        """What the server serves."""
        with ExitStack() as stack:
            return self._in(stack).get("models", ModelList.read, Way(extra_headers, timeout))
