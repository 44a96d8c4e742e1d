"""V-Gate: an OpenAI-compatible gateway in front of vLLM, its client and its benchmark.

The names below are the light client. Importing ``vgate`` loads nothing but this file; a name
is imported when it is first used.

Example::

    import vgate

    for chunk in vgate.Chat.create(model="tiny", messages=[{"role": "user", "content": "Hi"}], stream=True):
        print(chunk.text, end="")
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for True; importing it from typing costs 20 modules
if TYPE_CHECKING:
    from vgate.client import (
        APIError,
        AsyncChat,
        AsyncClient,
        AsyncCompletion,
        AsyncEmbedding,
        AsyncModels,
        AsyncStream,
        AuthenticationError,
        BadRequestError,
        Chat,
        ChatCompletion,
        ChatCompletionChunk,
        Client,
        Completion,
        ConnectionError_,
        Embedding,
        EmbeddingList,
        Meta,
        ModelList,
        Models,
        NotFoundError,
        RateLimit,
        RateLimitError,
        ResponseError,
        RetryPolicy,
        ServerError,
        Stream,
        StreamError,
        StreamInterrupted,
        TextCompletion,
        Timeout,
        Usage,
        VGateError,
    )

    __version__: str

__all__ = [
    "APIError",
    "AsyncChat",
    "AsyncClient",
    "AsyncCompletion",
    "AsyncEmbedding",
    "AsyncModels",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "Chat",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Client",
    "Completion",
    "ConnectionError_",
    "Embedding",
    "EmbeddingList",
    "Meta",
    "ModelList",
    "Models",
    "NotFoundError",
    "RateLimit",
    "RateLimitError",
    "ResponseError",
    "RetryPolicy",
    "ServerError",
    "Stream",
    "StreamError",
    "StreamInterrupted",
    "TextCompletion",
    "Timeout",
    "Usage",
    "VGateError",
    "__version__",
]


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    for distribution in ("vgate", "vgate-client"):  # the second has this file and the client alone
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "0+not-installed"  # run from a source tree that was never installed


if not TYPE_CHECKING:  # hidden from type checkers, so that they find a misspelt name

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module 'vgate' has no attribute {name!r}")
        if name == "__version__":
            value = _version()
        else:
            from importlib import import_module

            value = getattr(import_module("vgate.client"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
