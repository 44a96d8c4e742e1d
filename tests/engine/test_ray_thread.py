"""Calls that block, in a thread of their own."""

import asyncio
import threading

import pytest

from vgate.engine.ray_thread import Calls

pytestmark = pytest.mark.real_time


async def test_all_calls_are_made_in_one_thread_in_their_order() -> None:
    calls, made = Calls("test"), []

    def call(number: int) -> threading.Thread:
        made.append(number)
        return threading.current_thread()

    threads = await asyncio.gather(*(calls(lambda number=number: call(number)) for number in range(5)))
    calls.end()
    assert made == [0, 1, 2, 3, 4]
    assert len(set(threads)) == 1
    assert threads[0].daemon
    assert threads[0] is not threading.current_thread()
    threads[0].join(5)
    assert not threads[0].is_alive()


async def test_an_error_goes_to_who_has_called_and_the_next_call_is_made() -> None:
    calls = Calls("test")
    with pytest.raises(ZeroDivisionError):
        await calls(lambda: 1 / 0)
    assert await calls(lambda: 2) == 2
    calls.end()


async def test_a_call_whose_caller_has_gone_is_not_made() -> None:
    calls, go, made = Calls("test"), threading.Event(), []
    first = asyncio.create_task(calls(go.wait))
    second = asyncio.create_task(calls(lambda: made.append(2)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    go.set()
    await first
    await calls(lambda: made.append(3))
    calls.end()
    assert made == [3]
