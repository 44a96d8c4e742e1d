"""Knowing when nothing goes on any more."""

import asyncio

import pytest

from vgate.underway import Underway


async def test_waiting_ends_with_the_last_one() -> None:
    underway = Underway()
    await underway.over()

    async def work(seconds: float) -> None:
        with underway.one():
            await asyncio.sleep(seconds)

    tasks = [asyncio.create_task(work(seconds)) for seconds in (1, 3, 2)]
    await asyncio.sleep(0)
    await underway.over()
    assert asyncio.get_running_loop().time() == pytest.approx(3)
    await asyncio.gather(*tasks)


async def test_what_begins_meanwhile_is_waited_for_too() -> None:
    underway = Underway()

    async def work() -> None:
        with underway.one():
            await asyncio.sleep(1)
            later = asyncio.create_task(again())
            await asyncio.sleep(0.5)
        await later

    async def again() -> None:
        with underway.one():
            await asyncio.sleep(2)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await underway.over()
    assert asyncio.get_running_loop().time() == pytest.approx(3)
    await task


async def test_what_fails_is_over_too() -> None:
    underway = Underway()
    with pytest.raises(ValueError, match="no"), underway.one():
        raise ValueError("no")
    await underway.over()
