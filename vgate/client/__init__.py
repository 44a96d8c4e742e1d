"""The client for V-Gate and any other OpenAI-compatible server.

`Chat` and `Embedding` (and their Async forms) read the address and the key from the
environment and open a connection per call. For many calls make a `Client` once: it keeps its
connections.
"""

from vgate.client.aio import AsyncChatResource, AsyncClient, AsyncEmbeddingResource
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
from vgate.client.retry import RetryPolicy
from vgate.client.stream import AsyncStream, Stream
from vgate.client.sync import ChatResource, Client, EmbeddingResource
from vgate.client.types import ChatCompletion, ChatCompletionChunk, EmbeddingList, Usage

Chat = ChatResource()
Embedding = EmbeddingResource()
AsyncChat = AsyncChatResource()
AsyncEmbedding = AsyncEmbeddingResource()

__all__ = [
    "APIError",
    "AsyncChat",
    "AsyncClient",
    "AsyncEmbedding",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "Chat",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Client",
    "ConnectionError_",
    "Embedding",
    "EmbeddingList",
    "Meta",
    "NotFoundError",
    "RateLimit",
    "RateLimitError",
    "ResponseError",
    "RetryPolicy",
    "ServerError",
    "Stream",
    "StreamError",
    "StreamInterrupted",
    "Timeout",
    "Usage",
    "VGateError",
]
