"""The contract of a response cache."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from vgate.types import Answer, Call


class CacheRefusal(Exception):
    """The store is well and said no at once: what lies under a key is not an answer to it, or there is no room."""


class Held(NamedTuple):
    """What lies in this process's memory. `bytes` counts everything that an entry takes, not only its text."""

    entries: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored answer as its operator sees it.

    bytes:     what it takes where it is stored.
    hits:      how often it was given out; None where nobody counts.
    expires_s: from now; None: it stays until others need the room.
    """

    key: bytes
    age_s: float
    bytes: int
    hits: int | None = None
    expires_s: float | None = None


class Cache(ABC):
    """Keeps whole answers, as the events that a client received.

    Only answers that ended well are put. A stored answer is immutable; what `get` returns equals what was `put`. All
    that talks to a store outside this process may raise: whatever its client raises, and CacheRefusal.
    """

    # Whose requests have one key: see `vgate.cache.key.Sharing`. None: there are no keys.
    scope: Literal["key", "shared"] | None = None
    # Whether `get` and `put` wait for something outside this process, and how long a request may wait for them.
    waits: bool = False
    budget_s: float = 0.1
    # Entries dropped to make room, and answers not stored because they are larger than all the room there is.
    evicted: int = 0
    too_large: int = 0

    @abstractmethod
    def refuses(self, call: Call, defaults: dict[str, Any]) -> str | None:
        """Why this call goes past the cache, in one word for `X-VGate-Cache`; None when it does not.

        `defaults` are the engine's default sampling parameters.
        """

    @abstractmethod
    def key(self, call: Call, fingerprint: str) -> bytes:
        """The key of a call that is not refused."""

    @abstractmethod
    async def get(self, key: bytes, max_age_s: float | None = None) -> Answer | None:
        """The stored answer with its age, or None: not there, expired, or older than `max_age_s`."""

    @abstractmethod
    async def put(self, key: bytes, answer: Answer, ttl_s: float | None = None) -> None:
        """Store an answer, for at most `ttl_s` and the policy's own time; others may be dropped for it."""

    @abstractmethod
    async def entry(self, key: bytes) -> Entry | None:
        """One entry, or None. Does not count as a use."""

    @abstractmethod
    async def entries(self, limit: int | None = None) -> list[Entry]:
        """The oldest entries first."""

    @abstractmethod
    async def delete(self, key: bytes) -> bool:
        """Drop one answer; whether it was there."""

    @abstractmethod
    async def clear(self) -> None:
        """Drop all answers."""

    @property
    @abstractmethod
    def held(self) -> Held:
        """What is in this process's memory."""

    async def close(self) -> None:  # noqa: B027  most have nothing to give back
        """Give back connections. May be called at any time, also twice."""

    def __len__(self) -> int:
        """How many answers are in this process's memory."""
        return self.held.entries
