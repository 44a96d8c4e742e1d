"""The contract of a response cache."""

from abc import ABC, abstractmethod
from typing import Any

from vgate.types import Answer, Call


class Cache(ABC):
    """Keeps whole answers, as the events that a client received.

    Only answers that ended well are put. A stored answer is immutable; what `get` returns equals what was `put`.
    """

    @abstractmethod
    def refuses(self, call: Call, defaults: dict[str, Any]) -> str | None:
        """Why this call goes past the cache, in one word for `X-VGate-Cache`; None when it does not.

        `defaults` are the engine's default sampling parameters.
        """

    @abstractmethod
    def key(self, call: Call, fingerprint: str) -> bytes:
        """The key of a call that is not refused."""

    @abstractmethod
    async def get(self, key: bytes) -> Answer | None:
        """The stored answer, or None."""

    @abstractmethod
    async def put(self, key: bytes, answer: Answer) -> None:
        """Store an answer; others may be dropped for it."""

    @abstractmethod
    async def clear(self) -> None:
        """Drop all answers."""

    @abstractmethod
    def __len__(self) -> int:
        """How many answers are stored."""
