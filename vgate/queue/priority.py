"""By the request's own `priority`, lower first, as in vLLM's scheduler; waiting counts."""

from dataclasses import replace
from typing import Literal

from vgate.errors import BadRequest
from vgate.queue.base import Queue
from vgate.queue.heap import Heap
from vgate.types import Call, Ticket

FIELD = "priority"


class Priority(Queue):
    """Least `priority` first; every `ageing_s` of waiting counts as much as one step of priority.

    So a request of priority p goes before one of priority q > p unless that one came (q - p) * ageing_s earlier: the
    order of two that wait never changes. Nobody starves: a request of priority p is only overtaken by later ones that
    come within (p + most) * ageing_s of it, hence it waits at most

        (p + most) * ageing_s + max_waiting / r

    where r is how many requests per second are admitted.

    most: priorities go from -most to most; others are refused, and so are those more urgent than an API key may name.
    """

    def __init__(
        self, max_waiting: int, max_running: int | Literal["engine"] | None, most: int, ageing_s: float
    ) -> None:
        super().__init__(max_waiting, max_running)
        self.most = most
        self.ageing_s = ageing_s
        self._waiting: Heap[Ticket] = Heap()

    def push(self, ticket: Ticket) -> None:
        # Not from its first byte on: who takes long to send a request has not waited for it.
        since = ticket.opened if ticket.queued is None else ticket.queued
        self._waiting.push(ticket, self._priority(ticket.call) * self.ageing_s + since)

    def peek(self, now: float) -> Ticket:
        return self._waiting.first()

    def remove(self, ticket: Ticket) -> None:
        self._waiting.discard(ticket)

    def __len__(self) -> int:
        return len(self._waiting)

    def as_asked(self, call: Call) -> Call:
        """The engine's scheduler gets no priorities: those who wait, wait here."""
        self._priority(call)
        if FIELD not in call.body:
            return call
        return replace(call, body={key: value for key, value in call.body.items() if key != FIELD})

    def _priority(self, call: Call) -> int:
        value = call.body.get(FIELD, call.priority or 0)
        least = -self.most if call.priority is None else call.priority
        if type(value) is not int or not least <= value <= self.most:
            given = repr(value)[:80]
            raise BadRequest(f"{FIELD} must be a whole number from {least} to {self.most}, got {given}", FIELD)
        return value
