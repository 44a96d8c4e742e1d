"""First come, first served."""

from collections import OrderedDict
from typing import Literal

from vgate.queue.base import Queue
from vgate.types import Ticket


class Fifo(Queue):
    """In order of arrival: nobody can starve."""

    def __init__(self, max_waiting: int, max_running: int | Literal["engine"] | None) -> None:
        super().__init__(max_waiting, max_running)
        self._waiting: OrderedDict[Ticket, None] = OrderedDict()

    def push(self, ticket: Ticket) -> None:
        self._waiting[ticket] = None

    def peek(self, now: float) -> Ticket:
        return next(iter(self._waiting))

    def remove(self, ticket: Ticket) -> None:
        del self._waiting[ticket]

    def __len__(self) -> int:
        return len(self._waiting)
