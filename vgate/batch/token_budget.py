"""Bound the tokens in flight: what the engine's KV cache has room for, or a set number."""

from collections.abc import Callable

from vgate.batch.base import BatchStrategy
from vgate.batch.lengths import Lengths
from vgate.queue.base import Queue
from vgate.types import Capacity, Job, Ticket


class TokenBudget(BatchStrategy):
    """Admits a request when its prompt and expected output fit beside those in flight. Size and wait have no effect.

    The order is the queue's, strictly: a small request does not go before a large one that does not fit yet, for else a
    stream of small ones would keep it out for ever, and priorities and shares would mean nothing. The price is room
    left empty while the large one waits, less than its size. One that is larger than the whole budget goes alone.

    What a request is expected to take stays reserved until it leaves, however many tokens it has made by then: when
    answers turn out longer, the engine holds more than the budget, and vLLM preempts, as it does without one.
    """

    def __init__(
        self,
        max_batch_size: int,
        max_wait_time_ms: float,
        max_tokens_in_flight: int | None,
        length_quantile: float,
        queue: Queue,
        capacity: Callable[[], Capacity],
    ) -> None:
        super().__init__(queue, capacity)
        self.max_tokens_in_flight = max_tokens_in_flight
        self.in_flight = 0
        self._lengths = Lengths(length_quantile)
        self._reserved: dict[Ticket, int] = {}

    @property
    def exclusive(self) -> bool:
        return True

    def _due(self, now: float) -> int:
        budget = self._budget()
        if budget is None or self.running == 0:
            return 1
        return int(self.in_flight + self._cost(self.queue.peek(now)) <= budget)

    def _budget(self) -> int | None:
        return self._capacity().tokens if self.max_tokens_in_flight is None else self.max_tokens_in_flight

    def _on_admit(self, ticket: Ticket) -> None:
        self._reserved[ticket] = cost = self._cost(ticket)
        self.in_flight += cost

    def _on_leave(self, ticket: Ticket) -> None:
        self.in_flight -= self._reserved.pop(ticket)
        if ticket.complete:
            self._lengths.learn(_job(ticket), ticket.tokens)

    def _cost(self, ticket: Ticket) -> int:
        job = _job(ticket)
        return job.prompt_tokens + self._lengths.expected(job)


def _job(ticket: Ticket) -> Job:
    assert ticket.job is not None  # who waits has been checked
    return ticket.job
