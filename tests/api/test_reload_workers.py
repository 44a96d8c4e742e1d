"""Workers and routing are exchanged while the server runs, and no request notices."""

import asyncio
from pathlib import Path

import pytest

from tests.api.test_reload import reloading, settings_of
from tests.workers.rigs import NO_HINT, Fleet
from vgate.api.reload import Reloaded
from vgate.api.service import Service
from vgate.routing.round_robin import RoundRobin
from vgate.workers.pool import Pool

UPSTREAM = ["engine=upstream", "model.served_model_name=null"]


async def reloaded(before: list[str], after: list[str]) -> tuple[Service, Pool, Reloaded]:
    """A service whose workers exist only here, after a reload."""
    service, reloader, _ = reloading(settings_of(*UPSTREAM, *before), lambda: (settings_of(*UPSTREAM, *after), []))
    pool = service.engine.pool
    assert pool is not None
    pool._check = Fleet().check
    await pool.start()
    await asyncio.sleep(0.1)
    done = await reloader.reload()
    await asyncio.sleep(0.1)
    return service, pool, done


def names(pool: Pool) -> list[str]:
    return sorted({pool.lease("m", NO_HINT).worker.name for _ in range(8)})


@pytest.mark.real_time
async def test_the_list_of_workers() -> None:
    _, pool, done = await reloaded(
        ["engine.workers=['http://a:1','http://b:1']"], ["engine.workers=['http://b:1','http://c:1']"]
    )
    assert (done.changed, done.needs_restart) == (["engine.workers"], [])
    assert names(pool) == ["b:1", "c:1"]
    await pool.stop()


@pytest.mark.real_time
async def test_the_routing() -> None:
    workers = "engine.workers=['http://a:1']"
    _, pool, done = await reloaded([workers], [workers, "routing=round_robin"])
    assert (done.changed, done.needs_restart) == (["routing"], [])
    assert isinstance(pool._routing, RoundRobin)
    await pool.stop()


@pytest.mark.real_time
async def test_a_key_that_is_another_in_its_file(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("one")
    workers = f"engine.workers=[{{url: 'http://a:1', key_file: {key}}}]"
    service, reloader, _ = reloading(settings_of(*UPSTREAM, workers), lambda: (settings_of(*UPSTREAM, workers), []))
    pool = service.engine.pool
    assert pool is not None
    pool._check = Fleet().check
    await pool.start()
    worker = pool.members[0].worker
    key.write_text("two")
    assert (await reloader.reload()).changed == []
    await asyncio.sleep(0.1)
    assert pool.members[0].worker is worker
    assert worker.authorization == "Bearer two"
    await pool.stop()


@pytest.mark.real_time
async def test_how_they_are_treated_needs_a_restart() -> None:
    workers = "engine.workers=['http://a:1']"
    _, pool, done = await reloaded([workers], [workers, "engine.retry.reserve=7"])
    assert (done.changed, done.needs_restart) == ([], ["engine.retry.reserve"])
    await pool.stop()
