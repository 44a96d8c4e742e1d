"""Virtual time, and the server's own loop."""

import asyncio
import time

import pytest

from vgate.clock import VirtualLoop, precise_loop, run


def now() -> float:
    return asyncio.get_running_loop().time()


def test_an_hour_takes_no_time() -> None:
    async def main() -> float:
        assert now() == 0.0
        await asyncio.sleep(3600)
        return now()

    began = time.monotonic()
    assert run(main()) == 3600.0
    assert time.monotonic() - began < 5


def test_sleepers_wake_in_order_at_their_own_times() -> None:
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((name, now()))

    async def main() -> None:
        await asyncio.gather(sleeper("c", 3), sleeper("a", 1), sleeper("b", 2), sleeper("d", 3))

    run(main())
    assert woken == [("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 3.0)]


def test_time_stands_still_while_there_is_something_to_do() -> None:
    async def main() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return now()

    assert run(main()) == 0.0


def test_timeouts_run_out_in_virtual_time() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(100):
                await asyncio.sleep(1000)
        return now()

    assert run(main()) == 100.0


def test_a_cancelled_timer_moves_nothing() -> None:
    async def main() -> float:
        asyncio.get_running_loop().call_later(50, lambda: None).cancel()
        await asyncio.sleep(1)
        return now()

    assert run(main()) == 1.0


def test_waiting_for_what_cannot_happen_is_an_error_and_not_a_hang() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="deadlock in virtual time"):
        run(main())


def test_each_run_starts_at_zero_and_hands_errors_on() -> None:
    async def main() -> None:
        await asyncio.sleep(5)
        raise ValueError(now())

    for _ in range(2):
        with pytest.raises(ValueError, match=r"^5\.0$"):
            run(main())


def test_two_loops_have_two_clocks() -> None:
    one, other = VirtualLoop(), VirtualLoop()
    one.run_until_complete(asyncio.sleep(7))
    assert (one.time(), other.time()) == (7.0, 0.0)
    one.close()
    other.close()


def test_the_servers_clock_moves_within_a_turn_and_finer_than_a_millisecond() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        return [loop.time() for _ in range(1000)]

    with asyncio.Runner(loop_factory=precise_loop) as runner:
        times = runner.run(main())
    assert times == sorted(times)
    assert len(set(times)) > 10
    assert times[-1] - times[0] < 1.0
