"""The contract of an embedding engine."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from vgate.engine.living import Living

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


class Embedding(Living):
    """Turns text or token ids into vectors, one for each item.

    Life: `start`, any number of `read`, `prepare` and `run`, `stop`. One that has died is not `ready`, until `watch`
    has restarted it.
    """

    limits: Limits

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """All that decides an item's vector, beside the request."""

    @abstractmethod
    def read(self, body: dict[str, Any]) -> Asked:
        """Check everything but the items' lengths. Raises ApiError with a 4xx status."""

    @abstractmethod
    async def prepare(self, asked: Asked, index: int) -> Item:
        """Check one item without running it. Raises ApiError that names it."""

    @abstractmethod
    async def run(self, item: Item) -> Vector:
        """The item's vector. Items run side by side; cancelling one aborts its work and no other's."""
