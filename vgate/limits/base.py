"""The contract of a store of limits."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Reason = Literal["", "requests", "tokens", "concurrency"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one key may use; None: without bound.

    window_s:    over every span of so many seconds, wherever it begins, hold `requests` and `tokens`.
    concurrency: requests in progress at once.
    """

    window_s: float
    requests: int | None = None
    tokens: int | None = None
    concurrency: int | None = None


class Level(NamedTuple):
    """Of one limit, how much is left now, and in how many seconds all of it is if nothing more is taken."""

    limit: int
    left: int
    free_in_s: float


class Standing(NamedTuple):
    """How a key stands, just after it was decided on.

    refused: by which limit; "" where the request was let in.
    wait_s:  after a refusal, in how many seconds requests and tokens would let it in if nothing more were taken.
    place:   what to settle with; the store's own. None where there is nothing to settle.
    without: the store could not be asked, and what was done instead; "" where it was asked.
    """

    requests: Level | None = None
    tokens: Level | None = None
    refused: Reason = ""
    wait_s: float = 0.0
    place: Any = None
    without: Literal["", "open", "closed", "local"] = ""


class Store(ABC):
    """Counts requests, tokens and requests in progress, by the name of the key.

    Requests and tokens hold in a true sliding window: of what was let in at t, all counts until t + window_s. Tokens
    are reserved on entry, by an estimate that should be too high, and set right when it is known how many there were;
    the place in the window is that of the entry. What there were more than estimated is charged when that is known.
    """

    @abstractmethod
    async def enter(self, name: str, limits: Limits, tokens: int) -> Standing:
        """Take a request, its tokens (at most `limits.tokens`) and a slot, all or nothing, as one atomic step."""

    @abstractmethod
    async def settle(self, place: Any, tokens: int | None) -> None:
        """Give the slot back, and set the tokens right. None: not known yet how many, so that the reservation stands.

        May be called again, with the number, after it was called with None.
        """

    @abstractmethod
    async def look(self, name: str, limits: Limits) -> Standing:
        """How the key stands. Takes nothing."""

    def succeed(self, old: "Store") -> "Store":
        """Which of the two counts on when this one is to take the other's place: the old one where it is the same.

        Then what was used stays used.
        """
        return self

    async def close(self) -> None:
        """Give back what is held outside this process. Requests that are not settled yet may come to that still."""
        return
