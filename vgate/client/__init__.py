"""The client for V-Gate and any other OpenAI-compatible server.

`Chat`, `Completion`, `Embedding` and `Models` (and their Async forms) read the address and the key from the
environment and open a connection per call. For many calls make a `Client` once: it keeps its
connections.
"""

from vgate.client.aio import AsyncClient
from vgate.client.aio_resources import (
    AsyncChatResource,
    AsyncCompletionResource,
    AsyncEmbeddingResource,
    AsyncModelsResource,
)
from vgate.client.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConnectionError_,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    StreamError,
    StreamInterrupted,
    Timeout,
    VGateError,
)
from vgate.client.meta import Meta, RateLimit
from vgate.client.resources import ChatResource, CompletionResource, EmbeddingResource, ModelsResource
from vgate.client.retry import RetryPolicy
from vgate.client.stream import AsyncStream, Stream
from vgate.client.sync import Client
from vgate.client.types import ChatCompletion, ChatCompletionChunk, EmbeddingList, ModelList, TextCompletion, Usage

Chat = ChatResource(Client)
Completion = CompletionResource(Client)
Embedding = EmbeddingResource(Client)
Models = ModelsResource(Client)
AsyncChat = AsyncChatResource(AsyncClient)
AsyncCompletion = AsyncCompletionResource(AsyncClient)
AsyncEmbedding = AsyncEmbeddingResource(AsyncClient)
AsyncModels = AsyncModelsResource(AsyncClient)

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
]
