"""The contract of deduplication."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from typing import Any

from vgate.types import Call, Event

Events = AsyncGenerator[Event, None]


class Dedup(ABC):
    """Lets identical requests follow one generation.

    Requests are identical when their keys are. Each reader gets the whole answer from its first event, or its error.
    """

    @abstractmethod
    def refuses(self, call: Call, defaults: dict[str, Any]) -> bool:
        """Whether this call is to be generated on its own."""

    @abstractmethod
    def key(self, call: Call, fingerprint: str) -> bytes:
        """The key of a call that is not refused."""

    @abstractmethod
    def open(self, key: bytes, call: Call, generate: Callable[[], Events]) -> tuple[str, Events]:
        """(id, events) of an identical call's generation, or else of this call's own, which is then started.

        Read the events at once, and close them to leave. They carry that id.
        """

    @abstractmethod
    def dispatched(self, key: bytes) -> None:
        """The generation under this key has entered the engine."""
