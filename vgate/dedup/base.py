"""The contract of deduplication."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, NamedTuple, Protocol

from vgate.types import Call, Due, Event


class Events(Protocol):
    """An answer as it comes. Close it to leave."""

    def __aiter__(self) -> AsyncIterator[Event]: ...

    async def __anext__(self) -> Event: ...

    async def aclose(self) -> None: ...


class Work(NamedTuple):
    """How a call is answered.

    generate: starts a generation, which has to begin in time for those who have joined it.
    fold:     makes a stream's events that of the whole answer.
    patient:  whether a generation may wait for clients that are all slow.
    """

    generate: Callable[[Due], Events]
    fold: Callable[[Events], Events]
    patient: bool = True


class Dedup(ABC):
    """Lets identical requests follow one generation.

    Requests are identical when their keys are; one may ask for a stream, the other for the whole answer. Each reader
    gets the whole answer from its first event, or its error.
    """

    # Whose requests have one key, as for a cache. None: there are no keys.
    scope: Literal["key", "shared"] | None = None

    @abstractmethod
    def refuses(self, call: Call, defaults: dict[str, Any]) -> bool:
        """Whether this call is to be generated on its own."""

    @abstractmethod
    def key(self, call: Call, fingerprint: str) -> bytes:
        """The key of a call that is not refused."""

    def key_beside(self, cache_key: bytes | None, cache_scope: str | None, call: Call, fingerprint: str) -> bytes:
        """As `key`; the cache's own where it shares alike, for of a long request making it takes milliseconds."""
        return cache_key if cache_key and cache_scope == self.scope else self.key(call, fingerprint)

    @abstractmethod
    def open(self, key: bytes, call: Call, work: Work) -> tuple[str, Events]:
        """(id, events) of an identical call's generation, or else of this call's own, which is then started.

        Close the events to leave. They carry that id.
        """

    def dispatched(self, key: bytes, due: Due | None) -> None:
        """The generation under this key that has to begin by `due` has entered the engine."""
        return

    def looking(self, key: bytes) -> AbstractContextManager[None]:
        """Within it the cache is asked for this key: an answer that is finished meanwhile can still be joined."""
        return nullcontext()
