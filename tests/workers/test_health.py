"""When a worker is ready: hysteresis, hurry, and what checks may do."""

import asyncio
import logging
from dataclasses import replace

import pytest

from tests.workers.rigs import HEALTH, NO_HINT, Fleet, running, until
from vgate.workers.worker import Probe


async def test_the_first_check_decides() -> None:
    fleet = Fleet()
    fleet.down("w1")
    async with running(2, fleet) as pool:
        await asyncio.sleep(0.1)
        assert [member.worker.health for member in pool.members] == ["ready", "down"]


async def test_it_is_down_after_so_many_failures_in_a_row_which_come_faster() -> None:
    """Three failures: at most one interval, then a quarter of it each."""
    fleet = Fleet()
    async with running(1, fleet) as pool:
        fleet.down("w0")
        await asyncio.sleep(2.2 + 2 * 0.55 + 0.1)
        assert not pool.ready
        assert pool.members[0].checks.failed == 3


async def test_one_failure_or_two_change_nothing() -> None:
    fleet = Fleet()
    async with running(1, fleet) as pool:
        checks = pool.members[0].checks
        for failures in (1, 2, 2):
            before = checks.failed
            fleet.down("w0")
            await until(lambda: checks.failed >= before + failures)  # noqa: B023  called at once
            fleet.up("w0")
            await asyncio.sleep(5.0)
            assert checks.failed == before + failures
            assert pool.ready


async def test_one_that_says_itself_that_it_is_not_ready_is_believed_at_once() -> None:
    fleet = Fleet()
    async with running(1, fleet) as pool:
        fleet.says["w0"] = Probe(False, why="/ready answers 503", sure=True)
        await asyncio.sleep(2.3)
        assert not pool.ready


async def test_it_is_ready_again_after_so_many_good_checks_and_within_its_time() -> None:
    fleet = Fleet()
    fleet.down("w0")
    async with running(1, fleet) as pool:
        await asyncio.sleep(60)
        fleet.up("w0")
        back = asyncio.get_running_loop().time()
        await until(lambda: pool.ready)
        seen = [at for at, _ in fleet.checked if at >= back]
        assert len(seen) == 2
        assert asyncio.get_running_loop().time() - back <= HEALTH.return_s


async def test_a_check_that_hangs_has_failed_after_its_time() -> None:
    fleet = Fleet()
    fleet.says["w0"] = "hang"
    async with running(2, fleet) as pool:
        await asyncio.sleep(1.1)
        assert [member.worker.health for member in pool.members] == ["down", "ready"]


async def test_a_failed_request_hurries_the_next_check_but_not_many() -> None:
    """A thousand failures in a second do not make a thousand checks."""
    fleet = Fleet()
    async with running(1, fleet) as pool:
        await asyncio.sleep(1.0)
        before = len(fleet.checked)
        for _ in range(4):
            pool.lease("m", NO_HINT).done("failed")
        await asyncio.sleep(0.05)
        assert len(fleet.checked) == before + 1
        for _ in range(1000):
            pool.members[0].checks.hurry()
            await asyncio.sleep(0.001)
        assert len(fleet.checked) <= before + 4


async def test_checks_of_a_fleet_do_not_stay_in_step() -> None:
    """A hundred that begin together are spread over the interval after some minutes."""
    fleet = Fleet()
    async with running(100, fleet):
        await asyncio.sleep(300)
        recent = [at % 0.2 for at, _ in fleet.checked if at > 296]
        tenths = [sum(low <= at < low + 0.02 for at in recent) for low in (0.02 * n for n in range(10))]
        assert min(tenths) > 0
        assert max(tenths) < 2.5 * len(recent) / 10


async def test_what_changes_is_logged_once_with_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    fleet = Fleet()
    async with running(1, fleet):
        fleet.says["w0"] = ValueError("Authorization: Bearer sk-secret\nsecond line")
        await asyncio.sleep(60)
        fleet.up("w0")
        await asyncio.sleep(60)
    told = [record.message for record in caplog.records]
    assert told == ["worker found", "worker ready", "worker down", "worker ready"]
    assert "sk-secret" not in str([vars(record) for record in caplog.records])
    assert "\n" not in caplog.records[2].why


async def test_models_are_learnt_and_kept_while_it_is_down() -> None:
    fleet = Fleet()
    async with running(1, fleet) as pool:
        worker = pool.members[0].worker
        assert worker.models == {"m"}
        fleet.says["w0"] = Probe(True, ({"id": "n"},))
        await asyncio.sleep(5)
        assert worker.models == {"n"}
        fleet.down("w0")
        await asyncio.sleep(60)
        assert worker.models == {"n"}


def test_the_time_to_return_is_told_for_any_policy() -> None:
    assert replace(HEALTH, rise=1).return_s < HEALTH.return_s < replace(HEALTH, rise=5).return_s
