"""A pool under load while its workers die, hang, flap, come back and lie, in virtual time."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from tests.components import options
from tests.workers.rigs import HEALTH, MODEL, Fleet, Lists, running, specs
from vgate.errors import ApiError
from vgate.routing.base import Hint
from vgate.workers.pool import Pool
from vgate.workers.worker import Outcome, Probe, Worker

SECONDS = 600.0
CLIENTS = 32
SAID = [Hint("m", lambda _most, number=number: f"{number:04}".encode() * 200) for number in range(50)]
DRAINS = Probe(False, why="/ready answers 503", sure=True)


@dataclass
class World:
    """What is the case, beside what the pool thinks; and what has been seen.

    ill: worker -> what it does to requests since when: dead (refuses), hangs, lies (checks are good, requests fail).
    """

    fleet: Fleet
    rng: random.Random
    ill: dict[str, tuple[str, float]] = field(default_factory=dict)
    well: dict[str, float] = field(default_factory=dict)
    requests: int = 0
    retries: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    used: dict[str, float] = field(default_factory=dict)

    def befall(self, name: str, what: str) -> None:
        now = asyncio.get_running_loop().time()
        self.well.pop(name, None)
        self.ill[name] = (what, now)
        self.fleet.says[name] = {
            "dead": ConnectionRefusedError("refused"),
            "hangs": "hang",
            "drains": DRAINS,
            "lies": Probe(True, (MODEL,)),
        }[what]

    def heal(self, name: str) -> None:
        self.ill.pop(name, None)
        self.fleet.up(name)
        self.well[name] = asyncio.get_running_loop().time()

    async def strike(self, names: Sequence[str]) -> None:
        """For ever: something befalls a worker, or it recovers; at times a whole fleet."""
        while True:
            await asyncio.sleep(self.rng.expovariate(1 / 8))
            few = list(names) if self.rng.random() < 0.05 else [self.rng.choice(names)]
            for name in few:
                if name in self.ill and self.rng.random() < 0.7:
                    self.heal(name)
                else:
                    self.befall(name, self.rng.choice(["dead", "hangs", "drains", "lies"]))

    async def send(self, worker: Worker) -> tuple[Outcome, float | None]:
        """One request, as the worker's state has it."""
        self.used[worker.name] = asyncio.get_running_loop().time()
        what = self.ill.get(worker.name, ("", 0.0))[0]
        if what in {"dead", "lies"}:
            await asyncio.sleep(0.002)
            return "failed", None
        if what == "hangs":
            await asyncio.sleep(5.0)
            return "failed", None
        if what == "drains":
            return "busy", 2.0
        await asyncio.sleep(self.rng.expovariate(1 / 0.3))
        return ("left", None) if self.rng.random() < 0.1 else ("ok", None)


async def client(pool: Pool, world: World) -> None:
    """Requests one after the other, each tried at most three times within the budget."""
    while True:
        await asyncio.sleep(world.rng.expovariate(1 / 0.5))
        tried: set[Worker] = set()
        world.requests += 1
        while len(tried) < 3:
            if tried and not pool.may_retry():
                break
            world.retries += bool(tried)
            try:
                lease = pool.lease("m", SAID[world.rng.randrange(50)], tried)
            except ApiError as error:
                world.refused += 1
                if error.status != 503 or int(error.headers["retry-after"]) < 1:
                    world.wrong.append(f"{error.status} {error} {error.headers}")
                break
            tried.add(lease.worker)
            look(lease.worker, world)
            try:
                outcome, after_s = await world.send(lease.worker)
            except asyncio.CancelledError:
                lease.done("left")
                raise
            lease.done(outcome, after_s)
            if outcome in {"ok", "left"}:
                break


def look(worker: Worker, world: World) -> None:
    """No lease to a worker that checks must have found dead, and none that is not ready or over its bound."""
    what, since = world.ill.get(worker.name, ("", 0.0))
    now = asyncio.get_running_loop().time()
    slowest = HEALTH.timeout_s * HEALTH.fall + HEALTH.interval_s * 1.1 * 2
    if what in {"dead", "hangs", "drains"} and now - since > slowest + 0.1:
        world.wrong.append(f"{now:.2f}: {worker.name} {what} since {since:.2f}")
    if worker.health != "ready" or worker.in_flight > 8:
        world.wrong.append(f"{now:.2f}: {worker}")


@pytest.mark.parametrize("routing", options("routing"))
async def test_chaos(routing: str) -> None:
    world = World(Fleet(), random.Random(f"chaos {routing}"))
    lists = Lists(specs(5, max_concurrency=8))
    health = replace(HEALTH, slow_start_s=5.0)
    async with running(lists, world.fleet, routing, health) as pool:
        names = [spec.name for spec in specs(5)]
        tasks = [asyncio.create_task(world.strike(names))]
        tasks += [asyncio.create_task(client(pool, world)) for _ in range(CLIENTS)]
        for _ in range(int(SECONDS / 10)):
            await asyncio.sleep(10)
            lists.say(world.rng.sample(specs(5, max_concurrency=8), world.rng.choice([4, 5, 5, 5])))
        lists.say(specs(5, max_concurrency=8))
        tasks[0].cancel()
        for name in names:
            world.heal(name)
        healed = asyncio.get_running_loop().time()
        await asyncio.sleep(health.return_s + 60 + health.slow_start_s + 5)
        for task in tasks[1:]:
            task.cancel()
        over = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in over), over
        assert world.wrong == []
        assert world.requests > 10_000
        assert world.retries <= 10 + 0.1 * world.requests, "O9"
        assert all(at > healed for at in world.used.values()), "every worker is used again"
        assert pool.occupancy.running == 0
        assert [member.worker.in_flight for member in pool.members] == [0] * 5
        assert {member.breaker.state(asyncio.get_running_loop().time()) for member in pool.members} == {"closed"}


async def test_a_worker_that_returns_is_used_again_within_its_rise_time() -> None:
    """Forty times, away for between a second and a minute."""
    world = World(Fleet(), random.Random(7))
    async with running(3, world.fleet) as pool:
        clients = [asyncio.create_task(client(pool, world)) for _ in range(CLIENTS)]
        for _ in range(40):
            world.befall("w1", world.rng.choice(["dead", "hangs", "drains"]))
            await asyncio.sleep(world.rng.uniform(1, 60))
            world.heal("w1")
            healed = asyncio.get_running_loop().time()
            # Its breaker may have opened meanwhile, for at most twice the first pause: a trial every so often.
            await asyncio.sleep(HEALTH.return_s + 11)
            assert world.used["w1"] > healed
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


@pytest.mark.parametrize("routing", ["round_robin", "least_loaded"])
async def test_nothing_is_left_of_a_thousand_workers_that_came_and_went(routing: str) -> None:
    lists, world = Lists([]), World(Fleet(), random.Random(2))
    async with running(lists, world.fleet, routing) as pool:
        clients = [asyncio.create_task(client(pool, world)) for _ in range(8)]
        for number in range(0, 1000, 4):
            lists.say(specs(1000)[number : number + 4])
            await asyncio.sleep(1.0)
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        lists.say([])
        await asyncio.sleep(0.1)
        assert (pool.members, pool._members, pool._of) == ([], {}, {})
        assert not {**getattr(pool._routing, "_credit", {}), **getattr(pool._routing, "_chosen", {})}
        ours = {task for task in asyncio.all_tasks() if "Checks.run" in str(task.get_coro())}
        assert not ours
