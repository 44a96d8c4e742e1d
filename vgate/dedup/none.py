"""No deduplication."""

from collections.abc import Callable
from typing import Any

from vgate.dedup.base import Dedup, Events
from vgate.types import Call


class NoDedup(Dedup):
    """Every request is generated on its own."""

    def refuses(self, call: Call, defaults: dict[str, Any]) -> bool:
        return True

    def key(self, call: Call, fingerprint: str) -> bytes:
        raise NotImplementedError("every call is refused, so none has a key")

    def open(self, key: bytes, call: Call, generate: Callable[[], Events]) -> tuple[str, Events]:
        return call.id, generate()

    def dispatched(self, key: bytes) -> None:
        return None
