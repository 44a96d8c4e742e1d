"""The contract of an embedding engine."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Input = str | list[int]


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be in the engine at once, and what may wait.

    padded: whether each item costs as many tokens as the longest beside it.
    """

    batch_tokens: int
    batch_items: int
    waiting_items: int
    padded: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that has been read.

    inputs:   its items in order, text or token ids.
    fields:   what else decides the vectors, `model` by its served name among it: part of each item's key.
    encoding: how the vectors are to travel.
    form:     the engine's own.
    """

    inputs: list[Input]
    fields: dict[str, Any]
    encoding: Literal["float", "base64"] = "float"
    form: Any = None


@dataclass(frozen=True, slots=True)
class Item:
    """An item that can be run. `tokens` as the engine reads them, special ones included."""

    tokens: int
    payload: Any = None


class Vector(NamedTuple):
    """An item's vector, and the tokens it was made of. `data`: 32-bit floats, little-endian."""

    data: bytes
    tokens: int


class Embedding(ABC):
    """Turns text or token ids into vectors, one for each item.

    Life: `start`, any number of `read`, `prepare` and `run`, `stop`. One that has died is not `ready`, until `watch`
    has restarted it.
    """

    limits: Limits

    @abstractmethod
    async def start(self) -> None:
        """Load what is needed; raises EngineStartError with the cause in one line."""

    @abstractmethod
    async def stop(self) -> None:
        """Free everything. May be called at any time, also twice."""

    async def watch(self) -> None:
        """Restart the engine each time it dies. Runs until stopped; raises EngineStartError when it gives up."""
        return

    @property
    def deaths(self) -> int:
        """How often it has died since it was made."""
        return 0

    @property
    def restarts(self) -> int:
        """How often it has come back."""
        return 0

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether it can answer now."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """All that decides an item's vector, beside the request."""

    @abstractmethod
    def models(self) -> list[dict[str, Any]]:
        """The served models as objects of `/v1/models`."""

    @abstractmethod
    def read(self, body: dict[str, Any]) -> Asked:
        """Check everything but the items' lengths. Raises ApiError with a 4xx status."""

    @abstractmethod
    async def prepare(self, asked: Asked, index: int) -> Item:
        """Check one item without running it. Raises ApiError that names it."""

    @abstractmethod
    async def run(self, item: Item) -> Vector:
        """The item's vector. Items run side by side; cancelling one aborts its work and no other's."""
