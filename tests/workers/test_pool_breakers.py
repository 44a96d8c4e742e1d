"""What a pool makes of workers whose requests fail."""

import asyncio

from tests.workers.rigs import NO_HINT, Fleet, names, refused, running


async def test_a_worker_whose_requests_fail_is_left_alone_though_its_checks_are_good() -> None:
    async with running(2) as pool:
        await asyncio.sleep(0.1)
        liar = pool.members[0].worker
        for _ in range(20):
            lease = pool.lease("m", NO_HINT)
            lease.done("failed" if lease.worker is liar else "ok")
        assert liar.ended["failed"] == 5
        await asyncio.sleep(5.0)
        trial = [pool.lease("m", NO_HINT) for _ in range(10)]
        assert sum(lease.worker is liar for lease in trial) == 1


async def test_when_all_breakers_are_open_one_at_a_time_is_still_tried() -> None:
    async with running(2) as pool:
        await asyncio.sleep(0.1)
        for _ in range(10):
            pool.lease("m", NO_HINT).done("failed")
        tried = [pool.lease("m", NO_HINT), pool.lease("m", NO_HINT)]
        assert {lease.worker.name for lease in tried} == {"w0", "w1"}
        assert refused(pool).code == "overloaded"
        tried[0].done("ok")
        assert names(pool, 5) == {tried[0].worker.name}


async def test_a_trial_has_succeeded_when_its_answer_begins_however_long_it_is() -> None:
    async with running(2) as pool:
        await asyncio.sleep(0.1)
        for _ in range(10):
            pool.lease("m", NO_HINT).done("failed")
        await asyncio.sleep(5.0)
        streams = [pool.lease("m", NO_HINT), pool.lease("m", NO_HINT)]
        assert refused(pool).code == "overloaded"
        streams[0].begun()
        assert names(pool, 5) == {streams[0].worker.name}
        for _ in range(4):
            streams[0].done("failed")
        assert streams[0].worker.ended["failed"] == 6, "once"
        assert names(pool, 5) == {streams[0].worker.name}, "one failure does not open it again"


async def test_one_that_was_down_comes_back_with_a_closed_breaker() -> None:
    """Streams that die with their worker open its breaker; the process that follows has done nothing wrong."""
    fleet = Fleet()
    async with running(2, fleet) as pool:
        await asyncio.sleep(0.1)
        killed = pool.members[0]
        fleet.down("w0")
        streams = [pool.lease("m", NO_HINT) for _ in range(20)]
        for lease in streams:
            if lease.worker is killed.worker:
                lease.done("failed")
        await asyncio.sleep(2.5)
        assert killed.worker.health == "down"
        fleet.up("w0")
        await asyncio.sleep(2.0)
        assert killed.ready
        assert killed.breaker.state(asyncio.get_running_loop().time()) == "closed"
