"""What it learns, and at what price, in front of engines that gain from held requests and engines that do not."""

import asyncio
from typing import Any

import pytest

from tests.admission import enter, open_ticket
from tests.batch.loads import Served, arriving, closed, poisson
from tests.calls import ask, asked, chat
from tests.components import build
from tests.gateways import Heard, dry_run, gateway
from tests.scripted import Scripted, answer
from tests.static_batches import StaticBatches
from vgate import clock
from vgate.batch.adaptive import Adaptive
from vgate.batch.trials import Policy
from vgate.engine.base import Engine
from vgate.gateway import Gateway

WINDOWS = [(size, wait) for size in (4, 16) for wait in (0.0, 5.0, 20.0, 50.0)]
FIXED: list[tuple[str, dict[str, Any]]] = [
    ("passthrough", {}),
    *(
        (batch, {"max_batch_size": n, "max_wait_time_ms": w})
        for batch in ("time_window", "lockstep")
        for n, w in WINDOWS
    ),
]


async def served(engine: Engine, load: Any, batch: str, settings: dict[str, Any]) -> Served:
    await engine.start()
    entry = gateway(engine, batch, max_waiting=100_000, **settings)
    result: Served = await load(entry)
    result.policy = strategy(entry).policy if batch == "adaptive" else None
    return result


def strategy(entry: Gateway) -> Adaptive:
    assert isinstance(entry._batch, Adaptive)
    return entry._batch


def on_dry_run(load: Any, batch: str, **settings: Any) -> Served:
    return clock.run(served(build("engine", "dry_run"), load, batch, settings))


def on_static(load: Any, batch: str, joining: bool = False, **settings: Any) -> Served:
    return clock.run(served(StaticBatches(joining), load, batch, settings))


CONTINUOUS = {
    "one by one": lambda entry: closed(entry, 1, 40),
    "16 users": lambda entry: closed(entry, 16, 40),
    "48 users on 16 places": lambda entry: closed(entry, 48, 40),
    "poisson": lambda entry: arriving(entry, poisson(40, 60)),
    "bursts": lambda entry: arriving(entry, sorted(offset for n in range(30) for offset in [2.0 * n] * 30)),
    "on and off": lambda entry: arriving(entry, [t for t in poisson(50, 60) if t % 10 < 5]),
}


@pytest.mark.parametrize("load", CONTINUOUS.values(), ids=CONTINUOUS.keys())
def test_where_passthrough_is_best_it_becomes_passthrough(load: Any) -> None:
    """Continuous batching, learning included: within 1 % of passthrough's throughput, within 5 % of its p99 TTFT."""
    best, learned = on_dry_run(load, "passthrough"), on_dry_run(load, "adaptive")
    assert len(learned.responses) >= 0.99 * len(best.responses)
    assert learned.rate >= 0.99 * best.rate
    assert learned.ttft(0.99) <= 1.05 * best.ttft(0.99)


@pytest.mark.parametrize("joining", [False, True], ids=["in a row", "joining"])
@pytest.mark.parametrize("clients", [4, 16])
def test_where_batches_pay_it_learns_to_hold_and_comes_near_the_best_window(joining: bool, clients: int) -> None:
    """After a minute of learning within 7 % of the best of 17 fixed settings; passthrough stays below 60 % of it."""

    async def load(entry: Gateway) -> Served:
        await closed(entry, clients, 60)
        before = asyncio.get_running_loop().time()
        later = await closed(entry, clients, 90)
        later.last -= before
        return later

    fixed = {
        str(setting): on_static(lambda entry: closed(entry, clients, 5), setting[0], joining, **setting[1]).rate
        for setting in FIXED
    }
    learned = on_static(load, "adaptive", joining)
    assert learned.policy is not None
    assert learned.policy.gate
    assert learned.rate >= 0.93 * max(fixed.values())
    assert fixed[str(("passthrough", {}))] < 0.6 * max(fixed.values())


def test_the_price_of_learning_is_paid_once() -> None:
    """Ten minutes of 4 clients on an engine of the old kind: learning included, within 8 % of the best window."""
    best = on_static(lambda entry: closed(entry, 4, 10), "lockstep", max_batch_size=4, max_wait_time_ms=2.0).rate
    assert on_static(lambda entry: closed(entry, 4, 600), "adaptive").rate >= 0.92 * best


def test_where_gates_pay_under_open_load_it_learns_that_too() -> None:
    """Requests at 0.8 of what the engine takes one by one: batches cut the response time."""
    load = lambda entry: arriving(entry, poisson(8, 300))  # noqa: E731
    plain, learned = on_static(load, "passthrough"), on_static(load, "adaptive")
    assert sum(learned.responses[1000:]) < 0.6 * sum(plain.responses[1000:])


@pytest.mark.parametrize("engine", ["dry_run", "static"])
def test_B1_alone_nobody_is_held_whatever_was_learned_before(engine: str) -> None:
    """After 30 s of 16 clients one is left: from its second answer on it does not wait before the engine."""

    async def load() -> list[float]:
        entry = gateway(await dry_run() if engine == "dry_run" else StaticBatches(), "adaptive", max_waiting=1000)
        await closed(entry, 16, 30)
        waits = []
        for number in range(50):
            one = await ask(entry, chat(str(number)))
            assert one.record.admitted is not None
            waits.append(one.record.admitted - one.record.arrived)
        return waits

    waits = clock.run(load())
    assert max(waits) <= 0.05 + 1e-6
    assert waits[1:] == [0.0] * 49


async def test_max_wait_time_ms_of_nothing_learns_no_hold_and_max_batch_size_bounds_what_is_held() -> None:
    heard = Heard()
    entry = gateway(
        StaticBatches(), "adaptive", observer=heard, max_waiting=1000, max_wait_time_ms=0.0, max_batch_size=5
    )
    await closed(entry, 16, 40)
    assert strategy(entry)._trials.best == Policy(gate=True)
    assert max(batch.size for batch, _ in heard.batches) == 5


async def test_a_gate_opens_though_a_request_inside_hangs() -> None:
    """Gated, then one answer of an hour: the others wait for four usual stays, and it is passthrough again."""
    hour = {"long": 3600.0}
    entry = gateway(
        Scripted(lambda call: answer(call, 1, hour.get(call.body["messages"][-1]["content"], 0.1))), "adaptive"
    )
    batch = strategy(entry)
    await closed(entry, 4, 5)
    batch._trials.best = batch._trials.policy = Policy(gate=True)
    batch._observed.crowd = 4.0
    task = asyncio.create_task(ask(entry, chat("long")))
    await asyncio.sleep(0.001)
    begin = asyncio.get_running_loop().time()
    await asyncio.gather(*(ask(entry, chat(str(number))) for number in range(4)))
    assert asyncio.get_running_loop().time() - begin < 5 * 0.1 + 0.1
    assert batch._trials.best == Policy()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_S10_a_reader_that_stalls_behind_a_gate_holds_up_nobody() -> None:
    entry = gateway(Scripted(), "adaptive")
    await closed(entry, 4, 5)
    batch = strategy(entry)
    batch._trials.best = batch._trials.policy = Policy(gate=True)
    batch._observed.crowd = 4.0
    call = chat("stalls", stream=True)
    stalled = entry.answer(call, asked(call).record)
    await anext(stalled)
    begin = asyncio.get_running_loop().time()
    await ask(entry, chat("reads"))
    assert asyncio.get_running_loop().time() - begin < 0.5
    await stalled.aclose()


async def test_state_is_given_back_with_the_requests() -> None:
    batch: Adaptive = build("batch", "adaptive")
    tickets = [await enter(batch, open_ticket(batch)) for _ in range(50)]
    await asyncio.sleep(1)
    for number, ticket in enumerate(tickets):
        ticket.complete, ticket.first = number % 2 == 0, 0.5
        batch.leave(ticket)
    assert (batch._turns, batch._observed._entered, batch.running) == ({}, {}, 0)
