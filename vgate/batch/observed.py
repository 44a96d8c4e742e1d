"""What an engine's answers tell about holding requests back."""

import itertools
import math

from vgate.types import Ticket

# How slowly the fastest answer seen is forgotten, per answer.
_FADE = 0.9995
# The crowd is averaged over a stay, at least over this.
_SHORTEST_S = 0.01
# Fewer requests at once than this, on average, are alone.
_CROWD = 1.5
# So many inside beside it tell how well an engine serves several at once.
_SEVERAL = 2
# Requests that stayed longer than one that ends, of those inside, that are passed over at most.
_LOOKED_AT = 64


class Mean:
    """A mean in which the latest value weighs so much; None before the first, unless one is given."""

    def __init__(self, weight: float = 0.1, value: float | None = None) -> None:
        self.value = value
        self._weight = weight

    def add(self, value: float) -> None:
        self.value = value if self.value is None else self.value + self._weight * (value - self.value)


class Observed:
    """Means over the latest answers. Times in seconds.

    ttft:    from arrival to the first event.
    stay:    from admission to the end.
    crowd:   how many requests have been here at once, over about the time that an answer takes.
    overlap: what the engine makes per second with three requests or more, over the most that one has got of it: 1 for
             an engine that serves one after the other, 8 if eight side by side are each as fast as one alone.
    joins:   how often, when a streamed answer ended, the next one admitted after it had begun: never in an engine that
             runs a batch to its end before it looks at what came meanwhile.
    """

    def __init__(self) -> None:
        self.crowd = 0.0
        self._most = self._most_before = 0
        self._ttft, self._stay, self._rate = Mean(), Mean(), Mean()
        self._joins = Mean(0.02, 1.0)  # that an engine is of the old kind takes some evidence
        self._fastest = 0.0
        self._made = self._ended = 0
        self._now = -math.inf
        self._entered: dict[Ticket, tuple[int, int, int]] = {}

    @property
    def ttft(self) -> float:
        return self._ttft.value or 0.0

    @property
    def stay(self) -> float:
        return self._stay.value or 0.0

    @property
    def overlap(self) -> float:
        return self._rate.value / self._fastest if self._rate.value else math.inf

    @property
    def joins(self) -> float:
        return self._joins.value or 0.0

    def passed(self, now: float, present: int) -> None:
        """So many have been here since the last time this was called; called before that changes."""
        if self._now > -math.inf:
            memory = 1 - math.exp(-(now - self._now) / max(self.stay, _SHORTEST_S))
            self.crowd += memory * (present - self.crowd)
        self._now = now
        self._most = max(self._most, present)
        if present == 0:
            self._most_before, self._most = self._most, 0

    def alone(self, present: int) -> bool:
        """Whether requests come one at a time: so few on average, or none met another since nobody was here."""
        return self.crowd < _CROWD or max(present, self._most, self._most_before) < 2

    def admitted(self, ticket: Ticket) -> None:
        """Called with every request that enters the engine."""
        self._entered[ticket] = self._made, self._ended, len(self._entered)

    def left(self, ticket: Ticket, now: float) -> None:
        """Called with each of them at its end."""
        self._made += max(1, ticket.tokens)
        self._ended += 1
        made, ended, inside = self._entered.pop(ticket)
        if not ticket.complete or ticket.admitted is None or ticket.queued is None or ticket.first is None:
            return
        later = self._admitted_after(ticket.admitted) if ticket.call.stream else None
        if later is not None:
            self._joins.add(later.first is not None)
        self._ttft.add(ticket.first - ticket.queued)
        self._stay.add(now - ticket.admitted)
        if now > ticket.admitted:
            # Several before it, and as many ended meanwhile: what was made in its time is what the engine makes.
            steady = inside >= _SEVERAL and self._ended - ended > inside
            self._speeds(ticket.tokens, self._made - made if steady else None, now - ticket.admitted)

    def _speeds(self, own: int, made: int | None, stay: float) -> None:
        self._fastest = max(_FADE * self._fastest, max(1, own) / stay)
        if made is not None:
            self._rate.add(made / stay)

    def _admitted_after(self, admitted: float) -> Ticket | None:
        """The first one inside that was admitted later."""
        inside = itertools.islice(self._entered, _LOOKED_AT)  # in order of admission
        return next((one for one in inside if one.admitted is not None and one.admitted > admitted), None)
