"""What an engine's latest answers tell of its speed."""

import math
from collections import deque

from vgate.types import Call, Ticket

_REMEMBERED = 64
_LONGEST_S = 60


class Pace:
    """How fast answers begin, and how fast requests leave. Times are the event loop's, in seconds."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, bool], deque[float]] = {}
        self._left: deque[float] = deque(maxlen=_REMEMBERED)

    def over(self, ticket: Ticket, now: float) -> None:
        """A request that was admitted has ended."""
        self._left.append(now)
        if ticket.first is not None and ticket.admitted is not None:
            kind = (ticket.call.endpoint, ticket.call.stream)
            self._begun.setdefault(kind, deque(maxlen=_REMEMBERED)).append(ticket.first - ticket.admitted)

    def least(self, call: Call) -> float:
        """The least that an answer of this kind took to begin, of late: sooner this one will hardly begin."""
        return min(self._begun.get((call.endpoint, call.stream), [0.0]))

    def time_for(self, count: int, now: float) -> int:
        """In how many whole seconds so many requests should have left, from 1 to 60."""
        if len(self._left) < 2:
            return 1
        each = (now - self._left[0]) / len(self._left)
        return max(1, min(_LONGEST_S, math.ceil(count * each)))
