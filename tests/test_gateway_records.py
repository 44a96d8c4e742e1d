"""What a record says of where the answer came from and where the time went."""

import asyncio
from dataclasses import replace

import pytest

from tests.calls import Asked, ask, asked, chat, leave
from tests.gateways import dry_run, gateway
from tests.scripted import Scripted
from vgate.errors import ApiError, BadRequest
from vgate.record import Record
from vgate.types import Usage


async def test_a_generation_of_ones_own_is_stamped_from_arrival_to_answer() -> None:
    """Prompt of 2 tokens: a window of 50 ms, then 20 ms to the first token, and 10 ms for each of 3 more."""
    engine = await dry_run(prefill_tokens_per_s=200, decode_step_ms=10, decode_step_per_seq_ms=0)
    entry = gateway(engine, "time_window", max_wait_time_ms=50.0)
    record = (await ask(entry, chat("hello", stream=True, max_tokens=4))).record
    assert record.source == record.request_id
    assert (record.queued, record.admitted, record.held_s) == pytest.approx((0.0, 0.05, 0.05))
    assert record.answered == record.last_token == pytest.approx(0.1)
    span = record.span
    assert span is not None
    assert (span.queued, span.scheduled, span.first_token, span.last_token) == pytest.approx((0.05, 0.05, 0.07, 0.1))
    assert (span.prompt_tokens, span.tokens, span.preemptions) == (2, 4, 0)
    assert not record.generating


async def test_an_answer_from_the_cache_names_the_call_it_was_made_for() -> None:
    entry = gateway(Scripted(), cache="lru")
    first, second = await ask(entry, chat("same")), await ask(entry, chat("same"))
    assert (first.record.source, second.record.source) == (first.call.id, first.call.id)
    assert (second.record.queued, second.record.span) == (None, None)
    assert second.record.answered == second.record.arrived


async def test_an_answer_that_was_joined_names_the_call_that_it_followed() -> None:
    entry = gateway(Scripted(), dedup="single_flight")
    first = asyncio.create_task(ask(entry, chat("same", stream=True)))
    await asyncio.sleep(0.11)
    joined = await ask(entry, chat("same", stream=True))
    assert joined.record.source == (await first).call.id
    assert joined.record.span is None
    assert joined.record.usage == Usage(5, 3)


async def test_a_generation_is_stamped_on_its_starters_record_though_that_one_has_left() -> None:
    entry = gateway(await dry_run(), dedup="single_flight")
    starter = asked(chat("same", stream=True, max_tokens=50))
    first = asyncio.create_task(ask(entry, starter.call, starter))
    await asyncio.sleep(0.05)
    follower = asyncio.create_task(ask(entry, chat("same", stream=True, max_tokens=50)))
    await asyncio.sleep(0.05)
    await leave(first)
    assert starter.record.generating
    await follower
    await asyncio.sleep(0)
    assert not starter.record.generating
    assert starter.record.span is not None
    assert starter.record.span.tokens == 50


async def test_what_a_client_does_not_wait_for_is_counted_up_to_then() -> None:
    """A hundred tokens were asked for, of which some came."""
    asking = asked(chat("hello", stream=True, max_tokens=100))
    entry = gateway(await dry_run())
    task = asyncio.create_task(ask(entry, asking.call, asking))
    await asyncio.sleep(0.105)  # ten steps, and a little
    await leave(task)
    assert asking.record.span is not None
    assert asking.record.span.tokens == 10
    assert asking.record.answered is None
    assert not asking.record.generating


async def test_who_is_refused_unchecked_was_never_queued() -> None:
    record = await refused(asked(chat(bad=True)))
    assert (record.queued, record.admitted, record.span, record.generating) == (None, None, None, False)


async def refused(asking: Asked) -> Record:
    with pytest.raises(BadRequest):
        await ask(gateway(Scripted()), asking.call, asking)
    return asking.record


async def test_who_waits_in_vain_was_queued() -> None:
    entry = gateway(Scripted(), "lockstep", max_batch_size=1, max_wait_time_ms=0.0)
    busy = asyncio.create_task(ask(entry, chat("long")))
    await asyncio.sleep(0.01)
    asking = asked(chat("late"))
    asking.call = replace(asking.call, deadline=0.05)
    with pytest.raises(ApiError):
        await ask(entry, asking.call, asking)
    await busy
    assert asking.record.queued == pytest.approx(0.01)
    assert asking.record.admitted is None
