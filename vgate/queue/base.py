"""The contract of a queue."""

from abc import ABC, abstractmethod
from typing import Literal

from vgate.types import Call, Capacity, Ticket


class Queue(ABC):
    """Holds the requests that wait for admission and says which is next.

    A ticket is pushed once and popped or removed at most once; `pop` takes what `peek` says. Neither is asked of an
    empty queue. `now` is the event loop's time, in seconds.

    max_waiting: requests that may wait, here and inside the engine; further ones are refused.
    max_running: requests in the engine at once; "engine": as many as it runs at once; None: no bound.
    """

    def __init__(self, max_waiting: int, max_running: int | Literal["engine"] | None) -> None:
        self.max_waiting = max_waiting
        self.max_running = max_running

    @abstractmethod
    def push(self, ticket: Ticket) -> None:
        """Add a request; it has been through `as_asked`."""

    @abstractmethod
    def peek(self, now: float) -> Ticket:
        """The next, left where it is."""

    def pop(self, now: float) -> Ticket:
        """Take out the next, which is being admitted."""
        ticket = self.peek(now)
        self.remove(ticket)
        return ticket

    @abstractmethod
    def remove(self, ticket: Ticket) -> None:
        """Take out one that will not wait any longer; it is in the queue."""

    @abstractmethod
    def __len__(self) -> int:
        """How many wait."""

    def as_asked(self, call: Call) -> Call:
        """The call for the engine, without fields that were meant for this queue; raises ApiError if one is wrong."""
        return call

    def served(self, ticket: Ticket) -> None:
        """A request that was admitted has ended; `ticket.tokens` were generated for it."""
        return

    def room(self, capacity: Capacity, running: int) -> float:
        """How many more may enter the engine now."""
        most = capacity.sequences if self.max_running == "engine" else self.max_running
        return float("inf") if most is None else most - running

    def is_full(self, capacity: Capacity, present: int) -> bool:
        """Whether one more would be too many; `present` counts those who wait and those in the engine."""
        return present >= self.max_waiting + self.at_once(capacity)

    def at_once(self, capacity: Capacity) -> int:
        """How many of those present do not wait: what runs at once, as far as that is bounded and known."""
        bounds = [most for most in (capacity.sequences, self.max_running) if isinstance(most, int)]
        return min(bounds, default=0)
