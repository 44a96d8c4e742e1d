import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest

from tests.calls import ask, asked, chat
from tests.components import build
from tests.gateways import dry_run, gateway
from tests.queue.flood import hostile
from tests.queue.tickets import pushed
from tests.scripted import Scripted, answer
from vgate.errors import BadRequest


async def test_lower_goes_first_and_nothing_said_is_zero() -> None:
    queue = build("queue", "priority")
    late, plain, early = pushed(queue, priority=3), pushed(queue), pushed(queue, priority=-1)
    assert [queue.pop(0.0) for _ in range(3)] == [early, plain, late]


async def test_an_api_keys_priority_is_that_of_requests_that_name_none() -> None:
    queue = build("queue", "priority")
    late, plain, named = pushed(queue, of_key=3), pushed(queue), pushed(queue, of_key=-5, priority=-1)
    early = pushed(queue, of_key=-2)
    assert [queue.pop(0.0) for _ in range(4)] == [early, named, plain, late]


async def test_and_the_most_urgent_that_they_may_name() -> None:
    engine = Scripted()
    entry = gateway(engine, queue="priority")
    for priority, key in ((2, 3), (-1, 0), (-6, -5)):
        with pytest.raises(BadRequest, match=f"from {key} to 10"):
            await ask(entry, replace(chat(priority=priority), priority=key))
    assert not engine.entered
    await ask(entry, replace(chat(priority=10), priority=3))


async def test_waiting_makes_up_for_priority() -> None:
    """With 5 s a step, 2 steps are 10 s: who came 11 s earlier goes first, who came 9 s earlier does not."""
    queue = build("queue", "priority", ageing_s=5.0)
    patient, urgent, later = pushed(queue, 0.0, priority=2), pushed(queue, 9.0), pushed(queue, 11.0)
    assert [queue.pop(11.0) for _ in range(3)] == [urgent, patient, later]


@pytest.mark.parametrize("value", ["1", 1.0, 1.5, True, None, [1], 11, -11, 10**30])
async def test_a_priority_that_is_none_is_refused(value: Any) -> None:
    engine = Scripted()
    with pytest.raises(BadRequest) as refused:
        await ask(gateway(engine, queue="priority"), chat(priority=value))
    assert (refused.value.status, refused.value.param) == (400, "priority")
    assert "from -10 to 10" in refused.value.message
    assert not engine.entered


async def test_the_engine_does_not_hear_of_it() -> None:
    """Dry run refuses unknown fields, as vLLM's own scheduler does a priority."""
    engine = await dry_run()
    assert (await ask(gateway(engine, queue="priority"), chat(priority=3, max_tokens=2))).text
    with pytest.raises(BadRequest):
        await ask(gateway(engine, queue="fifo"), chat(priority=3))


async def test_the_urgent_are_served_first_through_the_whole_path() -> None:
    engine = Scripted(lambda call: answer(call, 1, prefill_s=1.0))
    entry = gateway(engine, queue="priority", max_running=1)
    calls = [chat(str(priority), priority=priority) for priority in (0, 5, 3, -5)]
    await asyncio.gather(*(ask(entry, call) for call in calls))
    assert list(engine.entered) == [calls[0].id, calls[3].id, calls[2].id, calls[1].id]


async def test_who_takes_long_to_send_a_request_has_not_waited() -> None:
    """Its first byte came 100 s ago, its last one after the urgent request."""
    engine = Scripted(lambda call: answer(call, 1, prefill_s=1.0))
    entry = gateway(engine, queue="priority", max_running=1)
    trick = chat("trick", priority=10)
    begun = asked(trick)
    await asyncio.sleep(100)
    first, urgent = chat("first"), chat("urgent")
    await asyncio.gather(ask(entry, first), ask(entry, urgent), ask(entry, trick, begun))
    assert list(engine.entered) == [first.id, urgent.id, trick.id]


async def test_nobody_starves_under_an_endless_stream_of_the_most_urgent() -> None:
    """At most (p + most) * ageing_s + max_waiting / r: three urgent ones come for each that the engine can take."""
    engine = Scripted(lambda call: answer(call, 1, prefill_s=0.1))
    entry = gateway(engine, queue="priority", max_running=1, max_waiting=30, most=2, ageing_s=1.0)
    victim = chat("victim", priority=2)
    waited = await hostile(entry, engine, victim, itertools.repeat({"priority": -2}))
    assert 4.0 < waited < (2 + 2) * 1.0 + 30 * 0.1 + 0.2


async def test_without_ageing_it_would_starve() -> None:
    """The hostile stream is hostile: with an ageing of an hour the same request is not let in."""
    engine = Scripted(lambda call: answer(call, 1, prefill_s=0.1))
    entry = gateway(engine, queue="priority", max_running=1, max_waiting=30, most=2, ageing_s=3600.0)
    victim = chat("victim", priority=2)
    with pytest.raises(AssertionError):
        await hostile(entry, engine, victim, itertools.repeat({"priority": -2}))
