"""The workers of an engine that has some."""

import asyncio
from collections.abc import Iterator
from itertools import groupby

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from vgate.workers.breaker import STATES
from vgate.workers.member import Member
from vgate.workers.pool import Pool
from vgate.workers.worker import OUTCOMES


class WorkerMetrics(Collector):
    """What a pool counts itself, read when it is asked for: a request costs nothing more.

    Workers' names are those of the configuration, of DNS workers numbers below a bound. The series of one that has left
    end with it.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def describe(self) -> Iterator[Metric]:
        """Nothing: before the server runs there is no time, and are no workers."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        yield from self._states()
        yield from self._requests()
        yield from self._tries()

    def _states(self) -> Iterator[Metric]:
        ready = GaugeMetricFamily("vgate_worker_ready", "1: checks say that it is ready; 0: not.", labels=["worker"])
        inside = GaugeMetricFamily("vgate_worker_in_flight", "Requests that it works on.", labels=["worker"])
        breaker = GaugeMetricFamily(
            "vgate_worker_breaker", "1 for the state that its circuit breaker is in.", labels=["worker", "state"]
        )
        now = _now()
        for name, members in self._by_name():
            if not members[0].leaving:  # one that was taken out of the list is missed by nobody
                ready.add_metric([name], float(members[0].ready))
            inside.add_metric([name], sum(member.worker.in_flight for member in members))
            state = members[0].breaker.state(now)
            for each in STATES:
                breaker.add_metric([name, each], float(each == state))
        yield from (ready, inside, breaker)

    def _requests(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "vgate_worker_requests", "Requests that it was given, by how they ended.", labels=["worker", "outcome"]
        )
        opened = CounterMetricFamily("vgate_worker_breaker_opened", "Times that it opened.", labels=["worker"])
        for name, members in self._by_name():
            for outcome in OUTCOMES:
                requests.add_metric([name, outcome], sum(member.worker.ended[outcome] for member in members))
            opened.add_metric([name], sum(member.breaker.opened for member in members))
        yield from (requests, opened)

    def _by_name(self) -> Iterator[tuple[str, list[Member]]]:
        """One that has left may still work beside another that has its name now; that one is first."""
        members = sorted(self._pool.members, key=lambda member: (member.worker.name, member.leaving))
        for name, found in groupby(members, lambda member: member.worker.name):
            yield name, list(found)

    def _tries(self) -> Iterator[Metric]:
        pool = self._pool
        retries = CounterMetricFamily(
            "vgate_worker_retries", "Further tries of requests, hedges too, by the budget.", labels=["decision"]
        )
        retries.add_metric(["allowed"], pool.budget.allowed)
        retries.add_metric(["refused"], pool.budget.refused)
        yield retries
        yield CounterMetricFamily("vgate_worker_hedges", "Second workers asked before the first answered.", pool.hedges)
        yield CounterMetricFamily("vgate_worker_hedges_won", "Second workers that were faster.", pool.hedges_won)
        yield CounterMetricFamily(
            "vgate_worker_continuations", "Broken streams that went on elsewhere.", pool.continuations
        )
        yield CounterMetricFamily(
            "vgate_worker_list_failures", "Times that the list of workers could not be read.", pool.source.failures
        )


def _now() -> float:
    """Where no loop runs no breaker can have been opened."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return 0.0
