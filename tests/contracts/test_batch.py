"""What holds of every batch strategy, whichever option of `conf/batch` it is."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from tests.admission import enter, open_ticket
from tests.calls import ask, ask_all, chat, leave
from tests.components import build, options
from tests.gateways import dry_run, gateway
from vgate.batch.base import BatchStrategy
from vgate.engine.base import Engine
from vgate.types import Batch, Call

SIZE, WAIT_S = 4, 0.05


@pytest.fixture(params=options("batch"))
def strategy(request: pytest.FixtureRequest) -> Any:
    """A strategy that remembers its batches in `made`."""
    return watched(build("batch", request.param, max_batch_size=SIZE, max_wait_time_ms=WAIT_S * 1000))


def watched(strategy: Any) -> Any:
    strategy.made = made = []
    make = strategy._new_batch

    def remember(size: int, now: float) -> Batch:
        made.append(make(size, now))
        return made[-1]

    strategy._new_batch = remember
    return strategy


async def stay(strategy: BatchStrategy, seconds: float = 0.0) -> tuple[Batch, float, bool]:
    """Enter, stay, leave: the batch, the wait, and whether this was the batch's last request."""
    arrived = now()
    ticket = await enter(strategy, open_ticket(strategy))
    waited = now() - arrived
    try:
        await asyncio.sleep(seconds)
    finally:
        last = strategy.leave(ticket) is not None
    assert ticket.batch is not None
    return ticket.batch, waited, last


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("count", [1, 3, 4, 5, 200])
async def test_everybody_is_in_exactly_one_batch_of_its_true_size(strategy: Any, count: int) -> None:
    stays = await asyncio.gather(*(stay(strategy, 0.01) for _ in range(count)))
    members = Counter(batch.id for batch, _, _ in stays)
    assert members == {batch.id: batch.size for batch in strategy.made}
    assert sum(batch.size for batch in strategy.made) == count
    assert all(1 <= batch.size <= SIZE for batch in strategy.made)


async def test_each_batch_is_over_once_with_its_last_request(strategy: Any) -> None:
    order = random.Random(1)
    stays = await asyncio.gather(*(stay(strategy, order.uniform(0, 0.2)) for _ in range(50)))
    assert Counter(batch.id for batch, _, last in stays if last) == Counter(batch.id for batch in strategy.made)
    assert all(batch.running == 0 for batch in strategy.made)


async def test_B2_nobody_waits_longer_than_the_window_from_its_own_arrival(strategy: Any) -> None:
    """A new arrival every 10 ms for a second: a timer that restarts with each would keep the first waiting."""
    tasks = []
    for _ in range(100):
        tasks.append(asyncio.create_task(stay(strategy)))
        await asyncio.sleep(0.01)
    waits = [waited for _, waited, _ in await asyncio.gather(*tasks)]
    assert max(waits) <= WAIT_S + 1e-6


async def test_first_come_first_served(strategy: Any) -> None:
    stays = await asyncio.gather(*(stay(strategy, 0.01) for _ in range(30)))
    turn = [batch.id for batch, _, _ in stays]
    assert turn == sorted(turn)


async def test_a_batch_knows_when_it_was_let_go(strategy: Any) -> None:
    await asyncio.sleep(5)
    arrived = now()
    batch, waited, _ = await stay(strategy, 1.0)
    assert batch.dispatched == pytest.approx(arrived + waited)


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("at", [0.0, WAIT_S / 2, WAIT_S], ids=["on arrival", "while waiting", "when due"])
@pytest.mark.parametrize("victims", [[0], [1], [0, 1, 2]], ids=["first", "middle", "all"])
async def test_R5_cancelled_at_any_point_nothing_is_kept_and_nobody_is_stuck(
    strategy: Any, at: float, turns: int, victims: list[int]
) -> None:
    """Cancel so many turns of the event loop after a moment: before `enter` runs, while it waits, just admitted."""
    tasks = [asyncio.create_task(stay(strategy, 0.2)) for _ in range(3)]
    if at:
        await asyncio.sleep(at)
    for _ in range(turns):
        await asyncio.sleep(0)
    for victim in victims:
        tasks[victim].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    survivors = [result for number, result in enumerate(results) if number not in victims]
    for _, waited, _ in [*survivors, await stay(strategy)]:
        assert waited <= WAIT_S + 1e-6
    assert all(batch.running == 0 for batch in strategy.made)


async def test_R5_cancelled_in_the_very_turn_in_which_the_window_closes(strategy: Any) -> None:
    """Its task has not run yet when the batch is collected: there is nobody to make a batch of."""
    task = asyncio.create_task(stay(strategy, 0.2))
    # Within the loop's resolution of the deadline, so in the same turn, and before it.
    asyncio.get_running_loop().call_at(WAIT_S - 1e-10, task.cancel)
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(WAIT_S)
    _, waited, _ = await stay(strategy)
    assert waited <= WAIT_S + 1e-6
    assert all(batch.size > 0 and batch.running == 0 for batch in strategy.made)


async def test_B6_who_left_before_admission_is_in_no_batch(strategy: Any) -> None:
    leaving = asyncio.create_task(stay(strategy))
    await leave(leaving)
    await asyncio.gather(*(stay(strategy) for _ in range(3)))
    assert sum(batch.size for batch in strategy.made) == 3


@pytest.mark.parametrize("option", options("batch"))
async def test_two_strategies_share_nothing(option: str) -> None:
    """Two gateways in one process: a full batch in one lets nothing go in the other."""
    strategy = watched(build("batch", option, max_batch_size=SIZE, max_wait_time_ms=WAIT_S * 1000))
    other = watched(build("batch", option, max_batch_size=SIZE, max_wait_time_ms=WAIT_S * 1000))
    await asyncio.gather(*(stay(strategy) for _ in range(3)), stay(other))
    assert (sum(b.size for b in strategy.made), sum(b.size for b in other.made)) == (3, 1)


# They wait by definition; every other strategy promises not to.
WINDOWS = ("lockstep", "time_window")
PROMPT = [option for option in options("batch") if option not in WINDOWS]


@pytest.mark.parametrize("option", options("batch"))
async def test_B1_at_concurrency_one_only_a_window_makes_anybody_wait_and_exactly_its_length(option: str) -> None:
    entry = gateway(await dry_run(), option, max_batch_size=SIZE, max_wait_time_ms=WAIT_S * 1000)
    records = [(await ask(entry, chat(str(number)))).record for number in range(30)]
    waits = [record.admitted - record.arrived for record in records if record.admitted is not None]
    assert waits == [pytest.approx(WAIT_S if option in WINDOWS else 0.0, abs=1e-6)] * 30


@pytest.mark.parametrize("option", PROMPT)
@pytest.mark.parametrize("requests", [16, 300])
async def test_B13_without_a_window_the_engine_gives_what_it_gives_without_a_gateway(
    option: str, requests: int
) -> None:
    """All at once, lengths at random: in virtual time the last answer ends in the very step in which it would alone."""
    order = random.Random(requests)
    calls = [chat(str(number), stream=True, max_tokens=order.randint(1, 40)) for number in range(requests)]
    engine = await dry_run()
    await asyncio.gather(*(_exhaust(engine, call) for call in calls))
    alone = now()
    await ask_all(gateway(await dry_run(), option, max_waiting=1000, capacity=engine.capacity), calls)
    assert now() - alone == pytest.approx(alone)


async def _exhaust(engine: Engine, call: Call) -> None:
    async for _ in engine.run(await engine.prepare(call)):
        pass
