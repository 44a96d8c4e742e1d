"""A worker as its pool treats it."""

import asyncio

from vgate.workers.breaker import Breaker, BreakerPolicy
from vgate.workers.health import Checks
from vgate.workers.worker import Worker, WorkerSpec

# What a worker that has just come back gets of its weight, before that grows.
_LEAST = 0.1
# How long a worker can ask to be left alone, and how long one is that does not say.
_MOST_REST_S = 30.0
_REST_S = 1.0


class Member:
    """A worker, its circuit breaker, its checks, and what keeps it from being given requests.

    leaving: its source does not know it any more: it gets nothing new, and is forgotten when its last lease is done.
    """

    def __init__(self, spec: WorkerSpec, policy: BreakerPolicy) -> None:
        self.worker = Worker(spec)
        self.breaker = Breaker(policy)
        self.leaving = False
        self.checks: Checks | None = None
        self.task: asyncio.Task[None] | None = None
        self.rests_until = 0.0
        self._warm_from: float | None = None

    @property
    def ready(self) -> bool:
        return self.worker.health == "ready"

    def respecify(self, spec: WorkerSpec) -> None:
        """The same worker, configured otherwise; with another key it may have become ready, or not to be."""
        if spec.authorization != self.worker.authorization and self.checks is not None:
            self.checks.hurry()
        if spec != self.worker.spec:
            self.worker.respecify(spec)

    def free(self, now: float) -> bool:
        """Whether it may be given a request, if it is ready."""
        return now >= self.rests_until and not self.worker.full and self.breaker.allows(now)

    def may_be_tried(self, now: float) -> bool:
        """Whether it may be given a request if nobody is free, though its breaker is open."""
        return now >= self.rests_until and not self.worker.full and self.breaker.may_be_tried

    def rest(self, now: float, for_s: float | None) -> None:
        """It has asked to be left alone, for so long if it said."""
        rest_s = _REST_S if for_s is None else min(max(for_s, 0.0), _MOST_REST_S)
        self.rests_until = max(self.rests_until, now + rest_s)

    def begin_warm_up(self, now: float) -> None:
        """It has become ready, or its breaker has closed: its weight grows from a tenth, see `warm_up`."""
        self._warm_from = now

    def warm_up(self, now: float, slow_start_s: float) -> None:
        """Set its weight for now."""
        if self._warm_from is None:
            return
        share = (now - self._warm_from) / slow_start_s if slow_start_s else 1.0
        self.worker.weight = self.worker.spec.weight * min(max(share, _LEAST), 1.0)
        if share >= 1:
            self._warm_from = None

    def free_in_s(self, now: float) -> float:
        """Seconds until it may be given a request, as far as that depends on time."""
        return max(self.rests_until - now, (self.breaker.until or now) - now, 0.0)

    async def stop(self) -> None:
        """End its checks."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
