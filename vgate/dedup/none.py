"""No deduplication."""

from typing import Any

from vgate.dedup.base import Dedup, Events, Work
from vgate.types import Call, Due


class NoDedup(Dedup):
    """Every request is generated on its own."""

    def refuses(self, call: Call, defaults: dict[str, Any]) -> bool:
        return True

    def key(self, call: Call, fingerprint: str) -> bytes:
        raise NotImplementedError("every call is refused, so none has a key")

    def open(self, key: bytes, call: Call, work: Work) -> tuple[str, Events]:
        return call.id, work.generate(Due(call.deadline))
