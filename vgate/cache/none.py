"""No cache."""

from typing import Any

from vgate.cache.base import Cache, Entry, Held
from vgate.types import Answer, Call


class NoCache(Cache):
    """Refuses every call."""

    def refuses(self, call: Call, defaults: dict[str, Any]) -> str | None:
        return "disabled"

    def key(self, call: Call, fingerprint: str) -> bytes:
        raise NotImplementedError("a cache that refuses every call has no keys")

    async def get(self, key: bytes, max_age_s: float | None = None) -> Answer | None:
        return None

    async def put(self, key: bytes, answer: Answer, ttl_s: float | None = None) -> None:
        return None

    async def entry(self, key: bytes) -> Entry | None:
        return None

    async def entries(self, limit: int | None = None) -> list[Entry]:
        return []

    async def delete(self, key: bytes) -> bool:
        return False

    async def clear(self) -> None:
        return None

    @property
    def held(self) -> Held:
        return Held()
