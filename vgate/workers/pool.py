"""All workers together: who they are, how they are doing, and which one gets the next request."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, Collection, Sequence
from functools import partial
from typing import Any

from vgate.routing.base import Hint, Routing
from vgate.types import Capacity, Occupancy
from vgate.workers import knowledge
from vgate.workers.breaker import BreakerPolicy
from vgate.workers.budget import RetryBudget, RetryPolicy
from vgate.workers.health import Check, Checks, HealthPolicy
from vgate.workers.lease import Lease
from vgate.workers.member import Member
from vgate.workers.refusals import last_resort, refusal
from vgate.workers.source import Source
from vgate.workers.worker import Health, Outcome, Worker, WorkerSpec

logger = logging.getLogger(__name__)


class Pool:
    """Gives out leases of workers. All but `start` and `stop` is done at once, in time linear in the workers.

    Where every worker that is ready has an open circuit breaker, one request at a time may try each of them, for else
    nobody would find out that they work again.
    """

    def __init__(  # noqa: PLR0913, PLR0917  one for each section
        self,
        source: Source,
        check: Check,
        routing: Routing,
        health: HealthPolicy,
        breaker: BreakerPolicy,
        retry: RetryPolicy,
        rng: random.Random | None = None,
    ) -> None:
        self.source = source
        self.budget = RetryBudget(retry)
        self.retry = retry
        self.hedges = self.hedges_won = self.continuations = 0
        self._routing = routing
        self._check, self._health, self._breaker = check, health, breaker
        self._rng = rng or random.Random()  # noqa: S311  spreads checks
        self._members: dict[str, Member] = {}
        self._of: dict[Worker, Member] = {}  # those that are leaving too
        self._watch: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._in_flight = 0
        self._fingerprint: str | None = None

    async def start(self) -> None:
        """Find the workers and check each of them once, then go on in the background.

        Returns when one is ready, or when every one that the first list has was checked.
        """
        lists = self.source.watch()
        self._take(await anext(lists))
        self._watch = asyncio.create_task(self._follow(lists))
        while not self.ready and any(member.worker.health == "new" for member in self._members.values()):
            self._news.clear()
            await self._news.wait()

    async def stop(self) -> None:
        """End the background work; leases stay valid. May be called twice."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        await asyncio.gather(*(member.stop() for member in self._members.values()))

    def lease(self, model: str | None, hint: Hint, exclude: Collection[Worker] = ()) -> Lease:
        """A place at the worker that routing chooses among those that serve the model, are ready and have room.

        Those in `exclude` are not given: they have been tried, and this is a retry. Raises ApiError: 404
        `model_not_found` when no worker serves the model; 503 `not_ready` when none that does is ready, `overloaded`
        when all that are have no room, have asked to be left alone, or fail; both with Retry-After.
        """
        now = asyncio.get_running_loop().time()
        serving = [member for member in self._members.values() if member.worker.serves(model)]
        ready = [member for member in serving if member.ready and member.worker not in exclude]
        free = [member.worker for member in ready if member.free(now)] or last_resort(ready, now)
        if not free:
            raise refusal(model, serving, ready, now, any_known=bool(self._members))
        if not exclude:
            self.budget.put(self._in_flight)
        for member in ready:
            member.warm_up(now, self._health.slow_start_s)
        return self._lend(self._of[self._routing.choose(free, hint)])

    def may_retry(self) -> bool:
        """Whether another try of a request, before its first byte, is within the budget; takes it from there."""
        return self.budget.take()

    def may_hedge(self) -> bool:
        """The same for a second worker that is asked before the first one has answered, from what can be spared."""
        allowed = self.budget.take_spare()
        self.hedges += allowed
        return allowed

    def hedge_won(self) -> None:
        """The second worker was faster: counted."""
        self.hedges_won += 1

    def continued(self) -> None:
        """A stream that broke off goes on at another worker: counted, not part of the budget."""
        self.continuations += 1

    def change(self, source: Source | None, routing: Routing | None) -> None:
        """Take the workers from another source, and choose by another routing, from now on; None: by the same.

        Workers that both sources know stay as they are; requests under way go on in any case.
        """
        if source is not None and not source.same_as(self.source):
            self.source = source
            if self._watch is not None:
                self._watch.cancel()
                self._watch = asyncio.create_task(self._follow(source.watch()))
        if routing is not None:
            self._routing = routing
            for member in self._members.values():
                routing.arrived(member.worker)

    @property
    def members(self) -> Sequence[Member]:
        """All workers that are known, those that are leaving too, by name."""
        return sorted(self._of.values(), key=lambda member: member.worker.name)

    @property
    def ready(self) -> bool:
        """Whether a request could be given to some worker: it is ready, whether or not it has room now."""
        return any(member.ready for member in self._members.values())

    @property
    def back_in_s(self) -> float | None:
        """Seconds until the next check that could find a worker ready; None: one is, or nobody can tell."""
        due = [member.checks.due for member in self._members.values() if member.checks]
        return None if self.ready or not due else max(min(due) - asyncio.get_running_loop().time(), 0.0)

    @property
    def capacity(self) -> Capacity:
        """`sequences`: the bounds of all ready workers together; None where one of them has no bound, or none is."""
        return Capacity(knowledge.room(member.worker for member in self._members.values() if member.ready))

    @property
    def occupancy(self) -> Occupancy:
        """`running`: leases that are not done."""
        return Occupancy(running=self._in_flight)

    @property
    def fingerprint(self) -> str:
        """Of what the workers say of the models that they serve: all that may decide an answer, of all workers.

        It does not change when a worker goes down, or a second one like the first comes.
        """
        if self._fingerprint is None:
            self._fingerprint = knowledge.fingerprint(member.worker for member in self._members.values())
        return self._fingerprint

    def models(self) -> list[dict[str, Any]]:
        """The objects of `/v1/models` of all workers, each id once, sorted."""
        return knowledge.models(member.worker for member in self._members.values())

    def _lend(self, member: Member) -> Lease:
        member.worker.in_flight += 1
        self._in_flight += 1
        passed = partial(self._heard, member, "ok", trial=True) if member.breaker.began() else None
        return Lease(member.worker, partial(self._ended, member), passed)

    def _heard(self, member: Member, outcome: Outcome, *, trial: bool) -> None:
        """What its breaker makes of it."""
        if member.breaker.ended(outcome, asyncio.get_running_loop().time(), trial=trial):
            member.begin_warm_up(asyncio.get_running_loop().time())

    def _ended(self, member: Member, lease: Lease, outcome: Outcome, retry_after_s: float | None) -> None:
        self._in_flight -= 1
        member.worker.in_flight -= 1
        member.worker.ended[outcome] += 1
        if outcome == "busy":
            member.rest(asyncio.get_running_loop().time(), retry_after_s)
        elif outcome == "failed" and member.checks is not None:
            member.checks.hurry()
        self._heard(member, outcome, trial=lease.trial)
        if member.leaving and not member.worker.in_flight:
            del self._of[member.worker]

    async def _follow(self, lists: AsyncGenerator[Sequence[WorkerSpec], None]) -> None:
        first = True
        async with contextlib.aclosing(lists):
            async for specs in lists:
                # A new source that cannot be read tells of nobody, and takes nobody away.
                if specs or not first or not self.source.failures:
                    self._take(specs)
                first = False

    def _take(self, specs: Sequence[WorkerSpec]) -> None:
        """These are the workers now."""
        wanted = {spec.url: spec for spec in specs}
        for url in self._members.keys() - wanted.keys():
            self._leave(self._members.pop(url))
        leaving = {member.worker.url: member for member in self._of.values() if member.leaving}
        for url, spec in wanted.items():
            if url in self._members:
                self._members[url].respecify(spec)
            else:
                self._members[url] = self._arrive(leaving.get(url), spec)
        self._fingerprint = None
        self._news.set()

    def _arrive(self, known: Member | None, spec: WorkerSpec) -> Member:
        """One that comes back while its last requests are still under way is the same one, and is checked anew."""
        member = known or Member(spec, self._breaker)
        member.leaving, member.worker.health = False, "new"
        member.respecify(spec)
        self._of[member.worker] = member
        self._routing.arrived(member.worker)
        member.checks = Checks(
            member.worker, self._check, self._health, lambda was: self._judged(member, was), self._rng
        )
        member.task = asyncio.create_task(member.checks.run())
        logger.info("worker found", extra={"worker": spec.name, "url": spec.url})
        return member

    def _leave(self, member: Member) -> None:
        if member.task is not None:
            member.task.cancel()
        member.leaving, member.checks, member.task = True, None, None
        self._routing.left(member.worker)
        if not member.worker.in_flight:
            del self._of[member.worker]
        logger.info("worker left", extra={"worker": member.worker.name, "in_flight": member.worker.in_flight})

    def _judged(self, member: Member, was: Health) -> None:
        """A check has ended; its worker's models may have changed."""
        if member.ready and was != "ready":
            member.breaker.reset()
            member.begin_warm_up(asyncio.get_running_loop().time())
        self._fingerprint = None
        self._news.set()
