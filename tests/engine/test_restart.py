"""The supervisor with cores that a test kills."""

import asyncio
from typing import Any

import pytest

from tests.engine.faults import restart
from vgate.engine.restart import CHECK_S, Restarting, RestartPolicy
from vgate.errors import EngineStartError

FAILS = EngineStartError("no memory")


class FakeCore:
    def __init__(self) -> None:
        self.alive = True
        self.hangs = False
        self.stops = 0

    async def ping(self) -> None:
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if not self.alive:
            raise RuntimeError("dead")

    async def stop(self) -> None:
        self.alive = False
        self.stops += 1


class Loader:
    """Makes cores, in so many seconds each; `failures` says which attempts fail, from 0, the first start."""

    def __init__(self, takes_s: float = 0.0, failures: range = range(0)) -> None:
        self.takes_s = takes_s
        self.failures = failures
        self.at: list[float] = []
        self.cores: list[FakeCore] = []

    async def __call__(self) -> FakeCore:
        self.at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes_s)
        if len(self.at) - 1 in self.failures:
            raise FAILS
        self.cores.append(FakeCore())
        return self.cores[-1]

    @property
    def alive(self) -> int:
        return sum(core.alive for core in self.cores)


def restarting(load: Loader, **policy: Any) -> Restarting[FakeCore]:
    return Restarting(load, RestartPolicy(**restart(**policy)))


async def watched(load: Loader, **policy: Any) -> tuple[Restarting[FakeCore], "asyncio.Task[None]"]:
    """Started and watched."""
    running = restarting(load, **policy)
    await running.start()
    return running, asyncio.create_task(running.watch())


async def over(running: Restarting[FakeCore], watching: "asyncio.Task[None]") -> None:
    await running.stop()
    await watching


def pauses(load: Loader) -> list[float]:
    return [later - earlier for earlier, later in zip(load.at, load.at[1:], strict=False)]


async def test_first_start_that_fails_is_an_error_and_is_not_tried_again() -> None:
    load = Loader(failures=range(1))
    with pytest.raises(EngineStartError, match="no memory"):
        await restarting(load).start()
    assert load.at == [0.0]


async def test_dead_core_is_gone_at_once_closed_and_replaced_after_the_pause() -> None:
    load = Loader(takes_s=3.0)
    running, watching = await watched(load, backoff_s=2.0)
    await asyncio.sleep(100)
    load.cores[0].alive = False
    assert running.core is None
    await asyncio.sleep(CHECK_S + 0.01)
    assert load.cores[0].stops == 1
    await asyncio.sleep(2.0 + 2.7)
    assert (running.core, running.restarts) == (None, 0)
    await asyncio.sleep(0.3)
    assert (running.core, running.restarts) == (load.cores[1], 1)
    assert load.alive == 1
    await over(running, watching)
    assert load.alive == 0


async def test_when_it_should_be_back_is_the_pause_and_as_long_as_the_last_loading() -> None:
    load = Loader(takes_s=3.0)
    running, watching = await watched(load, backoff_s=2.0)
    assert running.back_in_s is None
    load.cores[0].alive = False
    await asyncio.sleep(CHECK_S)
    assert running.back_in_s == pytest.approx(5.0, abs=CHECK_S + 0.01)
    await asyncio.sleep(4.0)
    assert running.back_in_s == pytest.approx(1.0, abs=CHECK_S + 0.01)
    load.takes_s = 100.0
    await asyncio.sleep(2.0)
    assert running.back_in_s is None
    await over(running, watching)


async def test_pauses_double_up_to_the_longest_while_restarts_fail() -> None:
    load = Loader(failures=range(1, 6))
    running, watching = await watched(load, max_attempts=6, backoff_s=1.0, max_backoff_s=5.0)
    load.cores[0].alive = False
    await asyncio.sleep(60)
    assert pauses(load) == pytest.approx([1.0, 2.0, 4.0, 5.0, 5.0, 5.0], abs=CHECK_S)
    assert (running.core, running.restarts) == (load.cores[1], 1)
    await over(running, watching)


async def test_core_that_dies_soon_again_is_an_attempt_too() -> None:
    """Restarts that succeed and do not last are counted; the error says what happened last."""
    load = Loader()
    running, watching = await watched(load, max_attempts=3, backoff_s=1.0, stable_s=60.0)
    for _ in range(4):
        load.cores[-1].alive = False
        await asyncio.sleep(20)
    with pytest.raises(EngineStartError, match="after 3 restarts in a row: it died again"):
        await watching
    assert len(load.cores) == 4
    assert running.restarts == 3
    await running.stop()


async def test_core_that_lived_long_enough_starts_the_count_afresh() -> None:
    load = Loader()
    running, watching = await watched(load, max_attempts=1, backoff_s=1.0, stable_s=60.0)
    for _ in range(10):
        await asyncio.sleep(70)
        load.cores[-1].alive = False
    await asyncio.sleep(2)
    assert running.restarts == 10
    assert len(pauses(load)) == 10
    assert min(pauses(load)) > 69
    await over(running, watching)


async def test_giving_up_tells_the_last_cause() -> None:
    load = Loader(failures=range(1, 100))
    _, watching = await watched(load, max_attempts=2)
    load.cores[0].alive = False
    with pytest.raises(EngineStartError, match="died after 2 restarts in a row: no memory"):
        await watching
    assert len(load.at) == 3


async def test_no_attempts_allowed_gives_up_at_the_first_death() -> None:
    load = Loader()
    _, watching = await watched(load, max_attempts=0)
    load.cores[0].alive = False
    with pytest.raises(EngineStartError, match="died and is not restarted"):
        await watching


@pytest.mark.parametrize("after_s", [0.1, 1.5, 5.0], ids=["noticing", "pausing", "loading"])
@pytest.mark.parametrize("cancelled", [True, False])
async def test_O4_stopped_at_any_moment_of_a_restart_leaves_nothing(after_s: float, cancelled: bool) -> None:
    """Also a core whose loading nobody could stop is ended when it is there."""
    load = Loader(takes_s=3.0)
    running, watching = await watched(load, backoff_s=4.0)
    load.cores[0].alive = False
    await asyncio.sleep(after_s)
    if cancelled:
        watching.cancel()
    await running.stop()
    await asyncio.gather(watching, return_exceptions=True)
    assert load.alive == 0
    assert running.core is None


async def test_remains_of_a_dead_core_do_not_keep_the_next_from_starting(caplog: pytest.LogCaptureFixture) -> None:
    class Sticky(FakeCore):
        async def stop(self) -> None:
            raise RuntimeError("socket is gone")

    load = Loader()
    running, watching = await watched(load)
    sticky = running._core = Sticky()
    sticky.alive = False
    await asyncio.sleep(10)
    assert running.restarts == 1
    assert "the dead engine left something behind" in caplog.text
    await over(running, watching)


async def test_may_be_started_again_after_stopping() -> None:
    load = Loader()
    running = restarting(load)
    for _ in range(2):
        await running.start()
        assert running.core is not None
        await running.stop()
        await running.stop()
    assert load.alive == 0


async def test_hanging_core_counts_as_dead_after_the_timeout() -> None:
    load = Loader()
    running, watching = await watched(load, hang_timeout_s=30.0, backoff_s=1.0)
    await asyncio.sleep(100)
    load.cores[0].hangs = True
    await asyncio.sleep(29)
    assert (running.core, running.deaths) == (load.cores[0], 0)
    await asyncio.sleep(8)
    assert (load.cores[0].stops, running.deaths, running.restarts) == (1, 1, 1)
    assert running.core is load.cores[1]
    await over(running, watching)


async def test_core_that_is_only_slow_is_left_alone() -> None:
    """A step of 20 s, with a timeout of 30."""
    load = Loader()
    running, watching = await watched(load, hang_timeout_s=30.0)

    async def slow() -> None:
        await asyncio.sleep(20)

    load.cores[0].ping = slow  # type: ignore[method-assign]
    await asyncio.sleep(1000)
    assert running.deaths == 0
    await over(running, watching)


async def test_ping_that_fails_is_no_death_of_its_own() -> None:
    """The core itself says whether it lives."""
    load = Loader()
    running, watching = await watched(load)

    async def failing() -> None:
        raise RuntimeError("no answer")

    load.cores[0].ping = failing  # type: ignore[method-assign]
    await asyncio.sleep(1000)
    assert running.deaths == 0
    await over(running, watching)
