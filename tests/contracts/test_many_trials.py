"""B5 at length: very many tagged requests through every batch strategy, each answer to its own caller.

B5_TRIALS in the environment sets how many in all; `make trials` runs a million.
"""

import asyncio
import itertools
import os
import random
from typing import Any

import pytest

from tests.calls import Asked, ask, chat
from tests.components import options
from tests.gateways import gateway
from tests.scripted import Scripted, answer
from vgate.types import Capacity

TRIALS = int(os.environ.get("B5_TRIALS", "100000"))
USERS = 256


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("batch", options("batch"))
async def test_B5_every_answer_reaches_its_own_caller(batch: str) -> None:
    """Durations at random, so completion in random order; a third streamed; one in fifty leaves at a random moment."""
    order = random.Random(batch)
    engine = Scripted(lambda call: answer(call, 2, order.uniform(0, 0.2), order.uniform(0, 0.05)))
    queue = order.choice(options("queue"))
    entry = gateway(engine, batch, queue=queue, max_waiting=2 * USERS, max_batch_size=32, capacity=Capacity(128, 4096))
    numbers, trials, left = itertools.count(), TRIALS // len(options("batch")), 0

    async def user() -> None:
        nonlocal left
        while (number := next(numbers)) < trials:
            gone = await _trial(entry, number, order)
            left += gone

    await asyncio.gather(*(user() for _ in range(USERS)))
    assert engine.running == 0
    assert 0.005 * trials < left < 0.03 * trials


async def _trial(entry: Any, number: int, order: random.Random) -> bool:
    """Ask with a tag of its own; whether the client left before the answer was whole."""
    call = chat(f"tag-{number}", stream=number % 3 == 0, caller=f"key {number % 7}")
    if number % 50:
        _check(await ask(entry, call), number)
        return False
    task = asyncio.create_task(ask(entry, call))
    asyncio.get_running_loop().call_later(order.uniform(0, 0.3), task.cancel)
    (asked,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(asked, Asked):
        _check(asked, number)
        return False
    assert isinstance(asked, asyncio.CancelledError)
    return True


def _check(asked: Asked, number: int) -> None:
    assert asked.text == f"tag-{number} 1"
    assert asked.data.count(asked.call.id.encode()) == asked.data.count(b'"id":')
