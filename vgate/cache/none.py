"""No cache."""

from typing import Any

from vgate.cache.base import Cache
from vgate.types import Answer, Call


class NoCache(Cache):
    """Refuses every call."""

    def refuses(self, call: Call, defaults: dict[str, Any]) -> str | None:
        return "disabled"

    def key(self, call: Call, fingerprint: str) -> bytes:
        raise NotImplementedError("a cache that refuses every call has no keys")

    async def get(self, key: bytes) -> Answer | None:
        return None

    async def put(self, key: bytes, answer: Answer) -> None:
        return None

    async def clear(self) -> None:
        return None

    def __len__(self) -> int:
        return 0
