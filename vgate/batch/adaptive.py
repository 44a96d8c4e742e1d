"""Learns from the engine's own latencies whether holding requests back pays, and how long; else it is passthrough."""

import asyncio
from collections.abc import Callable, Iterator

from vgate.batch.base import SLACK_S, BatchStrategy
from vgate.batch.observed import Observed
from vgate.batch.trials import Policy, Trials
from vgate.queue.base import Queue
from vgate.types import Batch, Capacity, Job, Ticket

# An engine is tried one batch at a time only where several requests side by side get it less than so much further, or
# so seldom does one begin before those inside have ended.
_SERIAL, _SELDOM = 1.5, 0.1
# No request is held for longer than this share of the TTFT to see what it brings.
_TRIAL_SHARE = 0.05
# The holds tried are max_wait_time_ms and its halves, so many times over.
_HALVES = 10
# Stays after which a gate opens though the batch before has not ended.
_PATIENCE = 4


class Adaptive(BatchStrategy):
    """Starts as passthrough and changes only for what its own paired trials have shown to be better.

    Two things are learned: a hold, the time that requests wait for company, from 0 to `max_wait_time_ms`, doubled as
    long as that helps; and a gate, which lets a batch in when nothing is in the engine, as lockstep does. A hold counts
    from the oldest request's arrival, behind a gate from when the engine was done.

    What learning can cost: nobody is held who is alone; a first hold is at most 5 % of the mean TTFT; the gate is tried
    only on an engine that gets no further with several requests at once than with one, or lets none begin before those
    inside have ended; while no candidate is better, trials come ever more seldom, at last every 65,536 requests.
    On an engine that batches continuously, with TTFTs below 20 times the smallest hold, it is passthrough. The bound is
    one of the mean: where a few answers are far longer than all others, trials may cost the tail more.
    """

    def __init__(
        self, max_batch_size: int, max_wait_time_ms: float, queue: Queue, capacity: Callable[[], Capacity]
    ) -> None:
        super().__init__(queue, capacity)
        self.max_batch_size = max_batch_size
        self.max_wait_s = max_wait_time_ms / 1000
        self._holds = [self.max_wait_s / 2**n for n in reversed(range(_HALVES))] if self.max_wait_s else []
        self._observed = Observed()
        self._trials = Trials(self._candidates)
        self._turns: dict[Ticket, int] = {}
        self._dispatched = self._idle_since = 0.0

    @property
    def exclusive(self) -> bool:
        return super().exclusive or self.policy.gate

    @property
    def policy(self) -> Policy:
        """How requests are admitted now."""
        return Policy() if self._alone() else self._trials.policy

    async def enter(self, ticket: Ticket, job: Job) -> Batch:
        self._note_time()
        if self._trials.counts and not self._alone():
            self._turns[ticket] = self._trials.turn
        return await super().enter(ticket, job)

    def leave(self, ticket: Ticket) -> Batch | None:
        self._note_time()
        batch = super().leave(ticket)
        self._turns.pop(ticket, None)
        return batch

    def _on_admit(self, ticket: Ticket) -> None:
        self._observed.admitted(ticket)

    def _on_leave(self, ticket: Ticket) -> None:
        now = asyncio.get_running_loop().time()
        self._idle_since = now  # if anybody is left, of no interest
        self._observed.left(ticket, now)
        if not self._alone():
            response = now - ticket.queued if ticket.complete and ticket.queued is not None else None
            turn = self._turns.get(ticket)
            self._trials.ended(len(self.queue), self.running, response, ticket.tokens, turn)

    def _dispatch(self, count: int, now: float) -> None:
        self._note_time()
        self._dispatched = now
        super()._dispatch(count, now)

    def _due(self, now: float) -> int:
        policy = self.policy
        if policy.gate and self.running:
            if now + SLACK_S < self._opens():
                return 0
            self._trials.give_up()
            policy = self.policy
        if policy == Policy():
            return 1
        full = len(self.queue) >= self.max_batch_size
        return min(len(self.queue), self.max_batch_size) if full or now + SLACK_S >= self._held_until(policy) else 0

    def _for_company(self) -> bool:
        return not (self.policy.gate and self.running)

    def _next_due(self) -> float | None:
        policy = self.policy
        return self._opens() if policy.gate and self.running else self._held_until(policy)

    def _held_until(self, policy: Policy) -> float:
        queued = self._oldest.queued
        assert queued is not None  # who waits has been queued
        return (max(queued, self._idle_since) if policy.gate else queued) + policy.hold_s

    def _opens(self) -> float:
        """When the gate opens whatever is in the engine: a batch that hangs does not stop all others for ever."""
        return self._dispatched + max(self.max_wait_s, _PATIENCE * self._observed.stay)

    def _alone(self) -> bool:
        return self._observed.alone(len(self.queue) + self.running)

    def _note_time(self) -> None:
        self._observed.passed(asyncio.get_running_loop().time(), len(self.queue) + self.running)

    def _candidates(self, best: Policy) -> Iterator[Policy]:
        """What to try against the best policy known, one after the other."""
        first = [hold for hold in self._holds if hold <= _TRIAL_SHARE * self._observed.ttft]
        longer = [hold for hold in self._holds if hold > best.hold_s]
        shorter = [hold for hold in self._holds if hold < best.hold_s]
        if not best.gate and self._may_be_gated():
            yield Policy(True, best.hold_s)
            yield from (Policy(True, hold) for hold in first[-1:])
        if best.hold_s:
            yield from (Policy(best.gate, hold) for hold in longer[:1])
            yield Policy(best.gate, shorter[-1] if shorter else 0.0)
        else:
            yield from (Policy(best.gate, hold) for hold in first[-1:])
        if best.gate:
            yield Policy()

    def _may_be_gated(self) -> bool:
        return self._observed.overlap < _SERIAL or self._observed.joins < _SELDOM
