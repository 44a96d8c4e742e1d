"""Who is given out, and what becomes of it."""

import asyncio
from dataclasses import replace

from tests.components import build
from tests.workers.rigs import BREAKER, HEALTH, MODEL, NO_HINT, Fleet, Lists, names, refused, running, spec, specs
from vgate.types import Capacity
from vgate.workers.static import Static
from vgate.workers.worker import Probe


async def test_a_lease_counts_until_it_is_done_and_once() -> None:
    async with running(1) as pool:
        lease = pool.lease("m", NO_HINT)
        assert (lease.worker.in_flight, pool.occupancy.running) == (1, 1)
        for outcome in ("left", "ok", "failed"):
            lease.done(outcome)
        assert (lease.worker.in_flight, pool.occupancy.running) == (0, 0)
        assert lease.worker.ended == {"ok": 0, "failed": 0, "busy": 0, "left": 1}


async def test_start_returns_when_one_is_ready_and_at_the_latest_when_all_were_checked() -> None:
    fleet = Fleet()
    fleet.says |= {"w0": "hang", "w1": Probe(True, (MODEL,))}
    async with running(2, fleet):
        assert asyncio.get_running_loop().time() < 0.1
    fleet.says["w1"] = "hang"
    async with running(2, fleet) as pool:
        assert 1.0 <= asyncio.get_running_loop().time() < 1.2
        assert not pool.ready


async def test_a_model_that_nobody_has_is_404_and_one_whose_workers_are_down_503() -> None:
    fleet = Fleet()
    fleet.says["w0"] = Probe(True, ({"id": "a"},))
    async with running(Lists([spec(0), spec(1, models=frozenset({"b"}))]), fleet) as pool:
        await asyncio.sleep(0.1)
        assert pool.lease("a", NO_HINT).worker.name == "w0"
        assert pool.lease("b", NO_HINT).worker.name == "w1"
        unknown = refused(pool, "c")
        assert (unknown.status, unknown.code, unknown.param) == (404, "model_not_found", "model")
        fleet.down("w1")
        await asyncio.sleep(30)
        down = refused(pool, "b")
        assert (down.status, down.code) == (503, "not_ready")
        assert 1 <= int(down.headers["retry-after"]) <= 3


async def test_with_no_workers_at_all_any_model_is_404_nowhere_but_503() -> None:
    async with running(Lists([])) as pool:
        assert not pool.ready
        assert refused(pool).status == 503


async def test_a_worker_that_has_told_no_models_may_be_asked_for_any() -> None:
    fleet = Fleet()
    fleet.usual = Probe(True)
    async with running(1, fleet) as pool:
        assert pool.lease("anything", NO_HINT).worker.name == "w0"


async def test_a_full_worker_gets_nothing_and_all_full_is_503() -> None:
    async with running(Lists([spec(0, max_concurrency=1), spec(1, max_concurrency=2)])) as pool:
        await asyncio.sleep(0.1)
        assert pool.capacity == Capacity(3)
        leases = [pool.lease("m", NO_HINT) for _ in range(3)]
        full = refused(pool)
        assert (full.status, full.code, full.headers) == (503, "overloaded", {"retry-after": "1"})
        leases[0].done("ok")
        assert pool.lease("m", NO_HINT).worker is leases[0].worker


async def test_excluded_workers_are_not_given_and_such_a_lease_is_no_request_for_the_budget() -> None:
    async with running(2) as pool:
        await asyncio.sleep(0.1)
        first = pool.lease("m", NO_HINT)
        for _ in range(20):
            assert pool.lease("m", NO_HINT, exclude={first.worker}).worker is not first.worker
        workers = [member.worker for member in pool.members]
        assert refused(pool, exclude=workers).status == 503
        while pool.may_retry():
            pass
        assert pool.budget.allowed == 10


async def test_a_busy_worker_is_left_alone_for_as_long_as_it_asks() -> None:
    async with running(2) as pool:
        await asyncio.sleep(0.1)
        busy = pool.lease("m", NO_HINT)
        busy.done("busy", 3.0)
        assert busy.worker.name not in names(pool, 10)
        await asyncio.sleep(3.0)
        assert busy.worker.name in names(pool, 10)


async def test_of_a_fleet_that_is_busy_altogether_the_soonest_is_told() -> None:
    async with running(2) as pool:
        await asyncio.sleep(0.1)
        for after_s in (7.0, 1_000_000.0):
            pool.lease("m", NO_HINT).done("busy", after_s)
        assert refused(pool).headers == {"retry-after": "7"}
        await asyncio.sleep(30.0)
        assert names(pool, 10) == {"w0", "w1"}, "nobody is left alone for longer than half a minute"


async def test_a_fleet_that_drains_is_503_and_not_ready_and_comes_back() -> None:
    fleet = Fleet()
    async with running(3, fleet) as pool:
        await asyncio.sleep(0.1)
        fleet.usual = Probe(False, why="/ready answers 503", sure=True)
        await asyncio.sleep(3.0)
        assert not pool.ready
        assert refused(pool).code == "not_ready"
        assert pool.back_in_s is not None
        assert pool.back_in_s <= 2.2
        fleet.usual = Probe(True, (MODEL,))
        await asyncio.sleep(HEALTH.return_s)
        assert names(pool, 6) == {"w0", "w1", "w2"}


async def test_one_that_comes_back_is_warmed_up() -> None:
    """Nine others have 50 requests each: at once it would get the next 50, of 100 that come in ten seconds fewer."""
    fleet = Fleet()
    fleet.down("w9")
    health = replace(HEALTH, slow_start_s=20.0)
    async with running(10, fleet, health=health) as pool:
        await asyncio.sleep(30)
        for _ in range(450):
            pool.lease("m", NO_HINT)
        fleet.up("w9")
        await asyncio.sleep(health.return_s)
        for _ in range(50):
            pool.lease("m", NO_HINT)
        back = next(member.worker for member in pool.members if member.worker.name == "w9")
        assert 1 <= back.in_flight <= 15
        await asyncio.sleep(20)
        for _ in range(50):
            pool.lease("m", NO_HINT)
        assert back.in_flight >= 45
        assert back.weight == 1.0


async def test_a_list_that_changes_leaves_those_that_stay_and_their_requests_alone() -> None:
    lists = Lists(specs(3))
    async with running(lists) as pool:
        await asyncio.sleep(0.1)
        leases = [pool.lease("m", NO_HINT) for _ in range(3)]
        kept = {member.worker.url: member.worker for member in pool.members}
        lists.say([spec(0), replace(spec(1), weight=3.0), spec(3)])
        await asyncio.sleep(0.1)
        found = {member.worker.url: member.worker for member in pool.members}
        assert [found[url] is kept[url] for url in (spec(0).url, spec(1).url)] == [True, True]
        assert found[spec(1).url].weight == 3.0
        assert names(pool, 12) == {"w0", "w1", "w3"}
        assert spec(2).url in found, "it still has a request"
        for lease in leases:
            lease.done("ok")
        assert {member.worker.name for member in pool.members} == {"w0", "w1", "w3"}
        assert pool.occupancy.running == 0


async def test_one_that_comes_back_while_its_last_request_runs_is_the_same_one() -> None:
    lists = Lists([spec(0, max_concurrency=1)])
    async with running(lists) as pool:
        lease = pool.lease("m", NO_HINT)
        for said in ([], [spec(0, max_concurrency=1)]):
            lists.say(said)
            await asyncio.sleep(0.1)
        assert [member.worker for member in pool.members] == [lease.worker]
        assert refused(pool).code == "overloaded"
        lease.done("ok")
        assert pool.lease("m", NO_HINT).worker is lease.worker


async def test_another_source_and_another_routing_while_it_runs() -> None:
    async with running(2) as pool:
        await asyncio.sleep(0.1)
        kept = pool.members[0].worker
        pool.change(Static([spec(0), spec(5)]), build("routing", "round_robin"))
        await asyncio.sleep(0.1)
        assert names(pool, 4) == {"w0", "w5"}
        assert pool.members[0].worker is kept


async def test_another_source_that_cannot_be_read_takes_nobody_away() -> None:
    class Broken(Lists):
        failures = 1

    async with running(2) as pool:
        await asyncio.sleep(0.1)
        source = Broken([])
        pool.change(source, None)
        await asyncio.sleep(0.1)
        assert names(pool, 4) == {"w0", "w1"}
        source.say([spec(1)])
        await asyncio.sleep(0.1)
        assert names(pool, 4) == {"w1"}


async def test_hedges_are_paid_from_the_same_budget_and_counted() -> None:
    async with running(1) as pool:
        assert [pool.may_hedge() for _ in range(6)] == [True] * 5 + [False]
        pool.hedge_won()
        assert [pool.may_retry() for _ in range(6)] == [True] * 5 + [False]
        assert (pool.hedges, pool.hedges_won, pool.budget.allowed, pool.budget.refused) == (5, 1, 10, 1)


async def test_the_fingerprint_holds_while_workers_come_and_go_and_changes_with_their_model() -> None:
    fleet, lists = Fleet(), Lists(specs(2))
    async with running(lists, fleet) as pool:
        await asyncio.sleep(0.1)
        before = pool.fingerprint
        fleet.down("w1")
        lists.say(specs(3))
        await asyncio.sleep(30)
        assert pool.fingerprint == before
        fleet.says["w2"] = Probe(True, (MODEL | {"root": "another"},))
        await asyncio.sleep(5)
        assert pool.fingerprint != before
        assert [model["id"] for model in pool.models()] == ["m"]


async def test_stopped_twice_and_leases_that_end_after_that() -> None:
    async with running(1, breaker=replace(BREAKER, failures=1)) as pool:
        lease = pool.lease("m", NO_HINT)
        await pool.stop()
    lease.done("failed")
    assert pool.occupancy.running == 0
