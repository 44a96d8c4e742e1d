"""The contract of a batch strategy: requests arrive, wait, enter the engine in batches, and leave."""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable

from vgate.batch.held import Held
from vgate.batch.pace import Pace
from vgate.errors import DeadlineExceeded, Overloaded
from vgate.queue.base import Queue
from vgate.types import Batch, Call, Capacity, Job, Ticket

# Timers may fire this much early by the loop's own clock resolution; seconds.
SLACK_S = 1e-6
# uvloop's timers count whole milliseconds.
_EARLY_S = 1e-3


class BatchStrategy(ABC):
    """Decides when waiting requests enter the engine and how many together; the queue decides in what order.

    `open` a ticket when a request arrives, `enter` with it when the engine has checked the request, and `leave` once,
    however it ended; until then the ticket counts. Set `ticket.first`, `.tokens` and `.complete` on the way: some
    strategies learn from them.

    exclusive: requests wait for those admitted before them to leave, so none may stay longer than the engine needs.
    capacity:  tells what the engine can do, once it has loaded.
    """

    def __init__(self, queue: Queue, capacity: Callable[[], Capacity]) -> None:
        self.queue = queue
        self.running = 0
        self._present = 0
        self._capacity = capacity
        self._pace = Pace()
        self._held = Held()
        self._numbers = itertools.count(1)
        self._batches = itertools.count(1)
        self._arrived: OrderedDict[Ticket, None] = OrderedDict()  # a dict's first is slow to find in a long queue
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Requests that have not been admitted."""
        return len(self.queue)

    @property
    def exclusive(self) -> bool:
        return self.queue.max_running is not None

    def open(self, call: Call) -> Ticket:
        """Take note of an arrival. Raises Overloaded, at once, when too many wait already."""
        loop = asyncio.get_running_loop()
        capacity = self._used()
        if self.queue.is_full(capacity, self._present):
            waiting = self._present - self.queue.at_once(capacity)
            raise Overloaded(waiting, self._pace.time_for(1 + self._present - self.queue.max_waiting, loop.time()))
        if not self._present:
            self._pace.busy(loop.time())
        self._present += 1
        return Ticket(call, next(self._numbers), loop.time(), loop.create_future())

    async def enter(self, ticket: Ticket, job: Job) -> Batch:
        """Wait for admission. Raises DeadlineExceeded for a request that cannot be answered in time any more."""
        now = asyncio.get_running_loop().time()
        ticket.job, ticket.queued, ticket.held_s = job, now, -self._held.total(now)
        self.queue.push(ticket)
        self._arrived[ticket] = None
        self._dispatch_due()
        return await ticket.entered

    def leave(self, ticket: Ticket) -> Batch | None:
        """Give back all that the ticket holds; its batch, when this was the last request in it."""
        now = asyncio.get_running_loop().time()
        self._present -= 1
        if not self._present:
            self._pace.idle(now)
        if ticket in self._arrived:
            self._drop(ticket, now)
            self._dispatch_due()
            return None
        batch = ticket.batch
        if batch is None:
            return None
        self.running -= 1
        batch.tokens += ticket.tokens
        batch.running -= 1
        self._pace.over(ticket, now)
        self.queue.served(ticket)
        self._on_leave(ticket)
        self._dispatch_due()
        return batch if batch.running == 0 else None

    def _used(self) -> Capacity:
        """What the engine can do at once, as far as this strategy makes use of it."""
        return self._capacity()

    @abstractmethod
    def _due(self, now: float) -> int:
        """How many of the queue's first are to enter now, as one batch; at least one waits."""

    def _next_due(self) -> float | None:
        """When to ask again though nobody arrives or leaves; at least one waits."""
        return None

    def _for_company(self) -> bool:
        """Whether those who wait, when none of them is due, are held for company; else they wait for room."""
        return False

    def _on_admit(self, ticket: Ticket) -> None:
        """Called with each request that is admitted, before it is let go."""
        return

    def _on_leave(self, ticket: Ticket) -> None:
        """Called with each request that was admitted, when it has ended."""
        return

    @property
    def _oldest(self) -> Ticket:
        """Who has waited longest; at least one waits."""
        return next(iter(self._arrived))

    def _dispatch_due(self) -> None:
        """Let go what is due, then set the timer for what is not."""
        now = asyncio.get_running_loop().time()
        due = 0
        while self._next(now):
            due = self._due(now)
            count = min(due, self._room())
            if count < 1:
                break
            self._dispatch(int(count), now)
        held = bool(self._arrived) and not due and self._for_company() and self._room() >= 1
        self._held.now_is(held, now)
        self._set_timer(now)

    def _room(self) -> float:
        return self.queue.room(self._capacity(), self.running)

    def _next(self, now: float) -> Ticket | None:
        """The next that is worthwhile; those before it are dropped. None when nobody waits."""
        while self._arrived:
            ticket = self.queue.peek(now)
            if self._is_worthwhile(ticket, now):
                return ticket
            self._end_wait(ticket, now)
            self.queue.remove(ticket)
        return None

    def _dispatch(self, count: int, now: float) -> None:
        members: list[Ticket] = []
        while len(members) < count and self._next(now):
            members.append(self.queue.pop(now))
            self._end_wait(members[-1], now)
        batch = self._new_batch(len(members), now)
        self.running += len(members)
        for ticket in members:
            ticket.batch, ticket.admitted = batch, now
            self._on_admit(ticket)
            ticket.entered.set_result(batch)

    def _is_worthwhile(self, ticket: Ticket, now: float) -> bool:
        """Whether the client is still there, its task perhaps not yet run, and can be answered in time."""
        if ticket.entered.cancelled():
            ticket.refused = _why_left(ticket, now)
            return False
        if ticket.deadline is not None and now + self._pace.least(ticket.call, now) > ticket.deadline:
            ticket.refused = "deadline"
            ticket.entered.set_exception(DeadlineExceeded())
            if ticket.due is not None:
                ticket.due.missed = True
            return False
        return True

    def _new_batch(self, size: int, now: float) -> Batch:
        return Batch(next(self._batches), size, now, running=size)

    def _drop(self, ticket: Ticket, now: float) -> None:
        self._end_wait(ticket, now)
        self.queue.remove(ticket)
        ticket.refused = _why_left(ticket, now)

    def _end_wait(self, ticket: Ticket, now: float) -> None:
        del self._arrived[ticket]
        ticket.held_s += self._held.total(now)

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._next_due() if self._arrived else None
        # What is due and was not let go waits for room, so for somebody to leave.
        if due is not None and due > now + SLACK_S:
            self._timer = asyncio.get_running_loop().call_at(due, self._dispatch_due)


def _why_left(ticket: Ticket, now: float) -> str:
    """Whose wait ends at the deadline has not left by itself; timers may be early by the loop's own resolution."""
    return "deadline" if ticket.deadline is not None and now + _EARLY_S >= ticket.deadline else "left"
