"""Where the caches in memory keep their entries: what decides which one goes first."""

from dataclasses import dataclass
from typing import Protocol

from cachetools import Cache as Policy

from vgate.cache.base import Held


@dataclass(slots=True)
class Item:
    """A stored answer. Times are the event loop's; `size` is all that it takes, its places in the policy included."""

    packed: bytes
    stored: float
    expires: float
    size: int
    hits: int = 0


class Items(Protocol):
    """Entries by key, within bounds."""

    def use(self, key: bytes) -> Item | None:
        """The item, which counts as a use."""

    def look(self, key: bytes) -> Item | None:
        """The item, which does not."""

    def add(self, key: bytes, item: Item) -> int:
        """Keep an item, in place of what was there; how many others, or this one, had to go."""

    def drop(self, key: bytes) -> bool:
        """Forget an item; whether it was there."""

    def clear(self) -> None:
        """Forget all."""

    def all_keys(self) -> list[bytes]:
        """All keys, in no order."""

    @property
    def held(self) -> Held:
        """How much there is."""


class PolicyItems(Items):
    """In one of cachetools' policies, made with `size_of`, whose `maxsize` is in bytes; at most `maxsize` of them."""

    def __init__(self, policy: "Policy[bytes, Item]", maxsize: int) -> None:
        self._policy = policy
        self._maxsize = maxsize

    def use(self, key: bytes) -> Item | None:
        return self._policy.get(key)

    def look(self, key: bytes) -> Item | None:
        # The base class's own look-up, which tells the policy nothing.
        return Policy.__getitem__(self._policy, key) if key in self._policy else None

    def add(self, key: bytes, item: Item) -> int:
        policy = self._policy
        wanted = len(policy)
        if key not in policy:
            wanted += 1
            while len(policy) >= self._maxsize:
                policy.popitem()
        policy[key] = item
        return wanted - len(policy)

    def drop(self, key: bytes) -> bool:
        return self._policy.pop(key, None) is not None

    def clear(self) -> None:
        self._policy.clear()

    def all_keys(self) -> list[bytes]:
        return list(self._policy)

    @property
    def held(self) -> Held:
        return Held(len(self._policy), int(self._policy.currsize))


def size_of(item: Item) -> int:
    """For a policy's `getsizeof`."""
    return item.size
