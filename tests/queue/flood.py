"""A hostile stream of requests that a queue favours."""

import asyncio
from collections.abc import Iterator
from typing import Any

from tests.calls import ask, chat
from tests.scripted import Scripted
from vgate.gateway import Gateway
from vgate.types import Call

EVERY_S, GIVEN_UP_S = 0.033, 60.0


async def hostile(entry: Gateway, engine: Scripted, victim: Call, favoured: Iterator[dict[str, Any]]) -> float:
    """How long `victim` waits when it finds the engine taken and a favoured request comes every 33 ms after it.

    AssertionError when it is not let in within a minute.
    """
    loop = asyncio.get_running_loop()
    tasks = [asyncio.create_task(ask(entry, chat(**next(favoured))))]
    await asyncio.sleep(0.001)
    came = loop.time()
    tasks.append(asyncio.create_task(ask(entry, victim)))
    while victim.id not in engine.entered and loop.time() < came + GIVEN_UP_S:
        await asyncio.sleep(EVERY_S)
        tasks.append(asyncio.create_task(ask(entry, chat(**next(favoured)))))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert victim.id in engine.entered, "starved"
    return engine.entered[victim.id] - came
