"""Pools of workers that exist only in the test, in virtual time."""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from tests.components import build
from vgate.errors import ApiError
from vgate.routing.base import Hint
from vgate.workers.breaker import BreakerPolicy
from vgate.workers.budget import RetryPolicy
from vgate.workers.health import HealthPolicy
from vgate.workers.pool import Pool
from vgate.workers.source import Source
from vgate.workers.worker import Probe, Worker, WorkerSpec

HEALTH = HealthPolicy(path=None, interval_s=2.0, timeout_s=1.0, rise=2, fall=3, slow_start_s=0.0)
BREAKER = BreakerPolicy(failures=5, failure_share=0.5, window=20, open_s=5.0, max_open_s=60.0)
RETRY = RetryPolicy(max_attempts=3, share=0.1, reserve=10)
NO_HINT = Hint()
MODEL = {"id": "m", "object": "model", "root": "m"}


def spec(number: int, **changes: Any) -> WorkerSpec:
    return WorkerSpec(f"http://w{number}:8000", f"w{number}", **changes)


def specs(count: int, **changes: Any) -> list[WorkerSpec]:
    return [spec(number, **changes) for number in range(count)]


class Lists(Source):
    """A source that says what it is told to say."""

    def __init__(self, first: Sequence[WorkerSpec]) -> None:
        self._queue: asyncio.Queue[Sequence[WorkerSpec]] = asyncio.Queue()
        self.say(first)

    def say(self, specs: Sequence[WorkerSpec]) -> None:
        self._queue.put_nowait(specs)

    async def watch(self) -> AsyncGenerator[Sequence[WorkerSpec], None]:
        while True:
            yield await self._queue.get()


class Fleet:
    """What each worker answers to a check: by name, of workers not named `usual`. "hang" never answers."""

    def __init__(self) -> None:
        self.usual: Probe | str | Exception = Probe(True, (MODEL,))
        self.says: dict[str, Probe | str | Exception] = {}
        self.checked: list[tuple[float, str]] = []

    async def check(self, worker: Worker) -> Probe:
        self.checked.append((asyncio.get_running_loop().time(), worker.name))
        await asyncio.sleep(0.01)
        said = self.says.get(worker.name, self.usual)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, str):
            await asyncio.Event().wait()
        assert isinstance(said, Probe)
        return said

    def down(self, *names: str) -> None:
        self.says |= dict.fromkeys(names, ConnectionRefusedError("refused"))

    def up(self, *names: str) -> None:
        for name in names:
            self.says.pop(name, None)


async def until(true: Callable[[], bool]) -> None:
    """Look every hundredth of a second; the test's own time-out ends what never comes true."""
    while not true():  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(0.01)


def refused(pool: Pool, model: str | None = "m", **more: object) -> ApiError:
    with pytest.raises(ApiError) as error:
        pool.lease(model, NO_HINT, **more)
    return error.value


def names(pool: Pool, count: int) -> set[str]:
    leases = [pool.lease("m", NO_HINT) for _ in range(count)]
    for lease in leases:
        lease.done("ok")
    return {lease.worker.name for lease in leases}


@contextlib.asynccontextmanager
async def running(
    source: Source | int,
    fleet: Fleet | None = None,
    routing: str = "least_loaded",
    health: HealthPolicy = HEALTH,
    breaker: BreakerPolicy = BREAKER,
    retry: RetryPolicy = RETRY,
) -> AsyncIterator[Pool]:
    """A pool that has been started; a number stands for so many workers."""
    lists = Lists(specs(source)) if isinstance(source, int) else source
    check = (fleet or Fleet()).check
    pool = Pool(lists, check, build("routing", routing), health, breaker, retry, random.Random(1))
    await pool.start()
    try:
        yield pool
    finally:
        await pool.stop()
