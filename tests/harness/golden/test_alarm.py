import asyncio
import time

import pytest

from vgate.harness.golden.alarm import Alarm

pytestmark = pytest.mark.real_time


async def test_never_early_and_in_order() -> None:
    alarm, woken = Alarm(), []

    async def wait(moment: int) -> None:
        await alarm.at(moment)
        woken.append((moment, time.monotonic_ns()))

    start = time.monotonic_ns()
    await asyncio.gather(*(wait(start + ms * 1_000_000) for ms in (7, 3, 5, -1, 3)))
    assert [moment for moment, _ in woken] == sorted(moment for moment, _ in woken)
    assert all(now >= moment for moment, now in woken)


async def test_one_that_gives_up_does_not_hold_up_the_others() -> None:
    alarm, start = Alarm(), time.monotonic_ns()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(alarm.at(start + 60_000_000_000), 0.001)
    await alarm.at(start + 25_000_000)
    assert time.monotonic_ns() >= start + 25_000_000
