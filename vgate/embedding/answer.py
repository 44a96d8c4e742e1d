"""The answer of `/v1/embeddings`, put together item by item."""

import array
import asyncio
import base64
import sys
from collections.abc import Sequence

import orjson

from vgate.embedding.base import Vector

# Items put together before others get their turn on the event loop.
_TURN = 32


async def body_of(vectors: Sequence[Vector], model: str, encoding: str, cached_tokens: int) -> bytes:
    """The whole JSON body. `prompt_tokens` counts every item, `cached_tokens` those that came from the cache."""
    parts: list[bytes] = []
    for index, vector in enumerate(vectors):
        if index % _TURN == _TURN - 1:
            await asyncio.sleep(0)
        encoded = encode(vector.data, encoding)
        parts.append(orjson.dumps({"object": "embedding", "index": index, "embedding": encoded}))
    tokens = sum(vector.tokens for vector in vectors)
    usage = {
        "prompt_tokens": tokens,
        "total_tokens": tokens,
        "prompt_tokens_details": {"cached_tokens": cached_tokens},
    }
    head = orjson.dumps({"object": "list", "model": model, "usage": usage})
    return head[:-1] + b',"data":[' + b",".join(parts) + b"]}"


def encode(data: bytes, encoding: str) -> list[float] | str:
    """A vector as it travels: a list, or base64 of its 32-bit little-endian floats."""
    return base64.b64encode(data).decode() if encoding == "base64" else floats(data)


def floats(data: bytes) -> list[float]:
    """A vector's numbers."""
    numbers = array.array("f", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()


def packed(numbers: Sequence[float]) -> bytes:
    """Numbers as a vector's bytes."""
    data = array.array("f", numbers)
    if sys.byteorder == "big":
        data.byteswap()
    return data.tobytes()
