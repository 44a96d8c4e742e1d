"""What `/metrics` says of workers."""

import asyncio

from prometheus_client import CollectorRegistry, generate_latest

from tests.observe.prometheus.scraping import Samples, samples
from tests.workers.rigs import NO_HINT, Fleet, Lists, running, spec, specs
from vgate.observe.prometheus.workers import WorkerMetrics
from vgate.workers.pool import Pool


def scrape(pool: Pool) -> Samples:
    registry = CollectorRegistry()
    registry.register(WorkerMetrics(pool))
    return samples(generate_latest(registry).decode())


def of(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((f"vgate_worker_{name}", tuple(sorted(labels.items()))))


async def test_states_and_outcomes_by_worker() -> None:
    fleet = Fleet()
    fleet.down("w1")
    async with running(2, fleet) as pool:
        await asyncio.sleep(0.1)
        for _ in range(5):
            pool.lease("m", NO_HINT).done("failed")
        pool.may_hedge()
        pool.hedge_won()
        pool.continued()
        lease = pool.lease("m", NO_HINT)
        found = scrape(pool)
        lease.done("left")
        assert [of(found, "ready", worker=name) for name in ("w0", "w1")] == [1, 0]
        assert of(found, "in_flight", worker="w0") == 1
        assert of(found, "requests_total", worker="w0", outcome="failed") == 5
        assert of(found, "requests_total", worker="w1", outcome="failed") == 0
        assert of(found, "breaker", worker="w0", state="open") == 1
        assert of(found, "breaker", worker="w0", state="closed") == 0
        assert of(found, "breaker_opened_total", worker="w0") == 1
        assert of(found, "retries_total", decision="allowed") == 1
        assert [of(found, name) for name in ("hedges_total", "hedges_won_total", "continuations_total")] == [1, 1, 1]
        assert of(found, "list_failures_total") == 0


async def test_O1_series_end_with_their_worker_and_a_name_is_there_once() -> None:
    """A name may go to another worker while the last request of the first one still runs."""
    lists = Lists(specs(3))
    async with running(lists) as pool:
        await asyncio.sleep(0.1)
        leases = [pool.lease("m", NO_HINT) for _ in range(3)]
        other = type(spec(0))("http://elsewhere:1", "w0")
        lists.say([other])
        await asyncio.sleep(0.1)
        leases.append(pool.lease("m", NO_HINT))
        found = scrape(pool)
        assert of(found, "in_flight", worker="w0") == 2
        assert of(found, "ready", worker="w0") == 1
        assert of(found, "ready", worker="w2") is None  # it is leaving
        assert of(found, "in_flight", worker="w2") == 1
        for lease in leases:
            lease.done("ok")
        assert {dict(labels).get("worker") for _, labels in scrape(pool)} == {"w0", None}
        assert of(scrape(pool), "in_flight", worker="w0") == 0


async def test_before_the_pool_runs_there_is_nothing_to_tell() -> None:
    async with running(1) as pool:
        pass
    registry = CollectorRegistry()
    registry.register(WorkerMetrics(pool))
    assert list(WorkerMetrics(pool).describe()) == []
