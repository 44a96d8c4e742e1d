"""Turns by API key: the key that has had the fewest tokens is next."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

from vgate.queue.base import Queue
from vgate.queue.heap import Heap
from vgate.types import Ticket

# API keys without requests whose accounts are kept, those active last.
REMEMBERED = 1024
# How much the latest answer moves a key's expected length.
_WEIGHT = 0.1


@dataclass(eq=False)
class Account:
    """One API key. `served`: its virtual counter of prompt and output tokens; `length`: output tokens to expect."""

    served: float = 0.0
    length: float = 0.0
    running: int = 0
    waiting: OrderedDict[Ticket, None] = field(default_factory=OrderedDict)


class Fair(Queue):
    """Virtual counters as in VTC (Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024).

    Prompt and expected output tokens are charged on admission and set right when the request has ended; until an answer
    of a key has ended, only its prompts are. A key that comes, or comes back, starts at the least counter of those that
    wait: nobody saves up credit by staying away. One key's requests go in order of arrival.

    Nobody starves: a key that waits and has had no turn for `ageing_s` is next, whatever its counter. With K keys
    waiting and r admissions per second, the j-th request in line of any key is admitted within

        j * (ageing_s + K / r)

    whatever the others send.
    """

    def __init__(self, max_waiting: int, max_running: int | Literal["engine"] | None, ageing_s: float) -> None:
        super().__init__(max_waiting, max_running)
        self.ageing_s = ageing_s
        self._active: dict[str, Account] = {}
        self._idle: dict[str, Account] = {}
        self._order: Heap[Account] = Heap()  # those that wait, by their counters
        # Those that wait, by when they had their last turn or came.
        self._turns: OrderedDict[Account, float] = OrderedDict()
        self._charged: dict[Ticket, float] = {}
        self._least = 0.0
        self._waiting = 0

    def push(self, ticket: Ticket) -> None:
        account = self._account(ticket.call.caller)
        if not account.waiting:
            account.served = max(account.served, self._least)
            self._order.push(account, account.served)
            self._turns[account] = ticket.opened if ticket.queued is None else ticket.queued
        account.waiting[ticket] = None
        self._waiting += 1

    def peek(self, now: float) -> Ticket:
        longest, since = next(iter(self._turns.items()))
        account = longest if now - since >= self.ageing_s else self._order.first()
        return next(iter(account.waiting))

    def pop(self, now: float) -> Ticket:
        ticket = super().pop(now)
        account = self._account(ticket.call.caller)
        account.running += 1
        if account.waiting:
            self._turns[account] = now
            self._turns.move_to_end(account)
        assert ticket.job is not None  # who waits has been checked
        self._charged[ticket] = charge = ticket.job.prompt_tokens + min(ticket.job.max_tokens, account.length)
        self._charge(account, charge)
        return ticket

    def remove(self, ticket: Ticket) -> None:
        account = self._active[ticket.call.caller]
        self._least = max(self._least, self._order.first().served)
        del account.waiting[ticket]
        self._waiting -= 1
        if not account.waiting:
            self._order.discard(account)
            del self._turns[account]
        self._rest(ticket.call.caller)

    def served(self, ticket: Ticket) -> None:
        account = self._active[ticket.call.caller]
        account.running -= 1
        assert ticket.job is not None  # it was admitted
        self._charge(account, ticket.job.prompt_tokens + ticket.tokens - self._charged.pop(ticket))
        if ticket.complete:
            account.length += (ticket.tokens - account.length) * (_WEIGHT if account.length else 1.0)
        self._rest(ticket.call.caller)

    def __len__(self) -> int:
        return self._waiting

    def _account(self, caller: str) -> Account:
        """The caller's account, active from now on."""
        if caller not in self._active:
            self._active[caller] = self._idle.pop(caller, Account())
        return self._active[caller]

    def _charge(self, account: Account, tokens: float) -> None:
        account.served += tokens
        if account.waiting:
            self._order.push(account, account.served)

    def _rest(self, caller: str) -> None:
        """An account without requests is kept for a while, for its debt and its expected length."""
        account = self._active[caller]
        if not account.waiting and not account.running:
            self._idle[caller] = self._active.pop(caller)
            if len(self._idle) > REMEMBERED:
                del self._idle[next(iter(self._idle))]
