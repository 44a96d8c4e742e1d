"""Answers in memory, the least recently used dropped first."""

from typing import Any, Literal

from cachetools import LRUCache

from vgate.cache.base import Cache
from vgate.cache.key import Sharing
from vgate.types import Answer, Call


class LruCache(Cache):
    """At most `maxsize` answers of this process. Not bounded in bytes: an answer may be long."""

    def __init__(self, maxsize: int, scope: Literal["key", "shared"], sampled: bool) -> None:
        self._answers: LRUCache[bytes, Answer] = LRUCache(maxsize)
        self._sharing = Sharing(scope, sampled)

    def refuses(self, call: Call, defaults: dict[str, Any]) -> str | None:
        return self._sharing.refuses(call, defaults)

    def key(self, call: Call, fingerprint: str) -> bytes:
        return self._sharing.key(call, fingerprint)

    async def get(self, key: bytes) -> Answer | None:
        return self._answers.get(key)

    async def put(self, key: bytes, answer: Answer) -> None:
        self._answers[key] = answer

    async def clear(self) -> None:
        self._answers.clear()

    def __len__(self) -> int:
        return len(self._answers)
