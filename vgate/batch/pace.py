"""What an engine's latest answers tell of its speed."""

import math
from collections import deque
from typing import NamedTuple

from vgate.types import Call, Ticket

_REMEMBERED = 64
_LONGEST_S = 60
# An answer that took so long to begin tells what to expect for so many times as long.
_TRUSTED = 5


class _Begun(NamedTuple):
    least_s: float
    until: float


class Pace:
    """How fast answers begin, and how fast requests leave. Times are the event loop's, in seconds."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, bool], deque[_Begun]] = {}
        self._left: deque[float] = deque(maxlen=_REMEMBERED)  # without the times that nobody was here
        self._idle = self._since = 0.0

    def idle(self, now: float) -> None:
        """Nobody is here any more."""
        self._since = now

    def busy(self, now: float) -> None:
        """Somebody is here again."""
        self._idle += now - self._since

    def over(self, ticket: Ticket, now: float) -> None:
        """A request that was admitted has ended."""
        self._left.append(now - self._idle)
        if ticket.first is not None and ticket.admitted is not None:
            least = ticket.first - ticket.admitted
            if not ticket.call.stream:
                least /= max(1, ticket.tokens)  # it begins when its last token is there, and another may have one
            kind = (ticket.call.endpoint, ticket.call.stream)
            begun = self._begun.setdefault(kind, deque(maxlen=_REMEMBERED))
            begun.append(_Begun(least, now + _TRUSTED * least))

    def least(self, call: Call, now: float) -> float:
        """The least that an answer of this kind took to begin, of late: sooner this one will hardly begin.

        Forgotten after a while: where nobody is let in because of it, nobody else would show that it is over.
        """
        begun = self._begun.get((call.endpoint, call.stream), ())
        return min((one.least_s for one in begun if now < one.until), default=0.0)

    def time_for(self, count: int, now: float) -> int:
        """In how many whole seconds so many requests should have left, from 1 to 60."""
        if len(self._left) < 2:
            return 1
        each = (now - self._idle - self._left[0]) / len(self._left)
        return max(1, min(_LONGEST_S, math.ceil(count * each)))
