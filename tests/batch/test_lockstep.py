import asyncio
import random

import pytest

from tests.batch.inside import Inside
from tests.calls import ask, chat
from tests.components import build
from tests.gateways import gateway
from tests.scripted import Scripted
from vgate.errors import Overloaded
from vgate.types import Capacity


@pytest.fixture
def inside() -> Inside:
    return Inside(build("batch", "lockstep", max_batch_size=8, max_wait_time_ms=50.0))


@pytest.mark.parametrize("seed", range(5))
async def test_no_two_batches_are_ever_in_the_engine_together(inside: Inside, seed: int) -> None:
    """200 at once, each with a duration of its own."""
    order = random.Random(seed)
    await inside.all([order.uniform(0.001, 0.5) for _ in range(200)])
    assert not inside.overlaps
    assert [size for _, size in inside.batches] == [8] * 25


async def test_also_with_arrivals_and_leaves_at_random(inside: Inside) -> None:
    order = random.Random(7)
    tasks = [asyncio.create_task(inside.request(order.uniform(0, 0.3), order.uniform(0, 5))) for _ in range(300)]
    for _ in range(100):
        await asyncio.sleep(0.05)
        order.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not inside.overlaps


async def test_the_next_batch_goes_as_soon_as_the_last_request_of_this_one_is_done(inside: Inside) -> None:
    await inside.all([0.1] * 7 + [1.0] + [0.1] * 8)
    assert inside.batches == [(0.0, 8), (pytest.approx(1.0), 8)]


async def test_what_became_due_meanwhile_goes_though_the_batch_is_not_full(inside: Inside) -> None:
    await inside.all([1.0] * 11)
    assert inside.batches == [(0.0, 8), (pytest.approx(1.0), 3)]


async def test_what_is_not_due_yet_waits_for_its_window(inside: Inside) -> None:
    """The batch ends at 1.0; the next request came at 0.98 and has until 1.03 to find company."""
    await asyncio.gather(inside.all([1.0] * 8), inside.request(1.0, 0.98), inside.request(1.0, 1.01))
    assert inside.batches == [(0.0, 8), (pytest.approx(1.03), 2)]


async def test_a_request_that_fails_in_the_engine_does_not_hold_up_the_next_batch(inside: Inside) -> None:
    tasks = [asyncio.create_task(inside.request(100.0)) for _ in range(8)]
    waiting = asyncio.create_task(inside.request(1.0))
    await asyncio.sleep(0.5)
    for task in tasks:
        task.cancel()
    await waiting
    assert inside.batches == [(0.0, 8), (pytest.approx(0.5), 1)]


async def test_R5_a_batch_whose_requests_all_left_in_the_turn_it_was_admitted_frees_the_engine(inside: Inside) -> None:
    tasks = [asyncio.create_task(inside.request(1.0)) for _ in range(8)]
    await asyncio.sleep(0)  # the eighth fills the batch; the others are let in, but have not run
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, inside.request(1.0), return_exceptions=True)
    assert inside.batches[-1] == (pytest.approx(0.05), 1)


async def test_B11_whom_the_batch_has_no_room_for_waits_whatever_the_engine_could_run() -> None:
    """Two run, three wait: room for 256 in the engine is none for those here."""
    engine = Scripted()
    entry = gateway(engine, "lockstep", max_batch_size=2, max_waiting=3, capacity=Capacity(sequences=256))
    results = await asyncio.gather(*(ask(entry, chat(str(number))) for number in range(9)), return_exceptions=True)
    assert sum(isinstance(result, Overloaded) for result in results) == 4
    assert len(engine.entered) == 5
