"""What holds of every way of deduplication, whichever option of `conf/dedup` it is."""

import asyncio
from typing import Any

import pytest

from tests.calls import call_of, chat
from tests.components import build, options
from tests.dedup.sources import Source, read
from vgate.cache.key import Sharing
from vgate.dedup.base import Dedup
from vgate.errors import BadRequest
from vgate.types import Call, Event

DEFAULTS = {"temperature": 1.0}
JOINING = [option for option in options("dedup") if not build("dedup", option).refuses(chat(), DEFAULTS)]


@pytest.fixture(params=options("dedup"))
def dedup(request: pytest.FixtureRequest) -> Any:
    return build("dedup", request.param)


@pytest.fixture(params=JOINING)
def joining(request: pytest.FixtureRequest) -> Any:
    return build("dedup", request.param)


def follow(dedup: Dedup, call: Call, source: Source, **how: Any) -> "asyncio.Task[list[Event]]":
    """Open as the gateway does, and read in a task of its own."""

    async def opened() -> list[Event]:
        key = b"own" if dedup.refuses(call, DEFAULTS) else dedup.key(call, "model")
        return await read(dedup.open(key, call, source.work)[1], **how)

    return asyncio.create_task(opened())


async def test_D1_everybody_gets_the_whole_answer(dedup: Dedup) -> None:
    """Readers come at any time: before the first event, midway, at the end, after it."""
    source, readers = Source(), []
    for _ in range(8):
        readers.append(follow(dedup, chat("same"), source))
        await asyncio.sleep(0.09)
    assert [await reader for reader in readers] == [source.events] * 8
    assert source.finished == source.started


async def test_D1_identical_requests_at_once_cause_one_generation(joining: Dedup) -> None:
    source = Source()
    await asyncio.gather(*(follow(joining, chat("same"), source) for _ in range(100)))
    assert source.started == 1


async def test_different_requests_are_never_joined(dedup: Dedup) -> None:
    sources = [Source(count) for count in range(1, 20)]
    readers = [follow(dedup, chat(f"number {n}"), source) for n, source in enumerate(sources)]
    assert await asyncio.gather(*readers) == [source.events for source in sources]
    assert [source.started for source in sources] == [1] * 19


async def test_the_id_is_that_of_the_call_that_is_generated(dedup: Dedup) -> None:
    calls = [chat("same"), chat("same"), chat("other")]
    opened = [dedup.open(call.body["messages"][0]["content"].encode(), call, Source().work) for call in calls]
    ids = [source for source, _ in opened]
    await asyncio.gather(*(read(events) for _, events in opened))
    assert (ids[0], ids[2]) == (calls[0].id, calls[2].id)
    assert ids[1] in (calls[0].id, calls[1].id)


async def test_D2_sampled_requests_are_left_alone_by_default(dedup: Dedup) -> None:
    assert dedup.refuses(chat(temperature=0.7), DEFAULTS)
    assert dedup.refuses(call_of({"messages": []}, "chat"), DEFAULTS)


async def test_D3_an_error_reaches_every_reader_after_the_events_before_it(dedup: Dedup) -> None:
    source, seen = Source(2, error=BadRequest("no")), [0] * 5

    def count(reader: int) -> Any:
        def one(_event: Event) -> None:
            seen[reader] += 1

        return one

    readers = [follow(dedup, chat("same"), source, also=count(number)) for number in range(5)]
    results = await asyncio.gather(*readers, return_exceptions=True)
    assert [str(result) for result in results] == ["no"] * 5
    assert seen == [2] * 5


async def test_D3_after_an_error_the_next_one_starts_afresh_at_once(dedup: Dedup) -> None:
    broken, sound = Source(0, error=BadRequest("no")), Source()
    with pytest.raises(BadRequest):
        await follow(dedup, chat("same"), broken)
    assert await follow(dedup, chat("same"), sound) == sound.events


async def test_D5_one_leaving_changes_nothing_for_the_others(dedup: Dedup) -> None:
    source = Source()
    readers = [follow(dedup, chat("same"), source) for _ in range(3)]
    await asyncio.sleep(0.25)
    readers[0].cancel()
    assert await asyncio.gather(*readers[1:]) == [source.events] * 2


async def test_D4_when_the_last_one_leaves_the_source_is_closed(dedup: Dedup) -> None:
    source = Source(100)
    readers = [follow(dedup, chat("same"), source) for _ in range(3)]
    await asyncio.sleep(0.25)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    assert source.closed_at == [pytest.approx(0.25)] * source.started
    assert source.finished == 0


async def test_D4_whoever_comes_in_the_turn_in_which_the_last_one_leaves_is_served(dedup: Dedup) -> None:
    """Not joined to what is being aborted."""
    source = Source()
    leaving = follow(dedup, chat("same"), source)
    await asyncio.sleep(0.25)
    leaving.cancel()
    for _ in range(4):
        assert await asyncio.shield(follow(dedup, chat("same"), source)) == source.events
        await asyncio.sleep(0)


@pytest.mark.parametrize("turns", range(6))
async def test_D4_so_many_turns_after_the_last_one_left(dedup: Dedup, turns: int) -> None:
    source = Source()
    leaving = follow(dedup, chat("same"), source)
    await asyncio.sleep(0.25)
    leaving.cancel()
    for _ in range(turns):
        await asyncio.sleep(0)
    assert await follow(dedup, chat("same"), source) == source.events


async def test_D1_those_who_come_while_one_is_being_aborted_share_a_new_one(joining: Dedup) -> None:
    source = Source()
    leaving = follow(joining, chat("same"), source)
    await asyncio.sleep(0.25)
    leaving.cancel()
    first = follow(joining, chat("same"), source)
    await asyncio.sleep(0.01)
    assert await asyncio.gather(first, follow(joining, chat("same"), source)) == [source.events] * 2
    assert source.started == 2


@pytest.mark.parametrize("turns", range(6))
async def test_D5_cancelled_at_any_point_of_the_start_nobody_hangs(dedup: Dedup, turns: int) -> None:
    source = Source()
    leaving = follow(dedup, chat("same"), source)
    for _ in range(turns):
        await asyncio.sleep(0)
    leaving.cancel()
    assert await follow(dedup, chat("same"), source) == source.events


async def test_D9_a_slow_reader_holds_up_neither_the_source_nor_the_others(dedup: Dedup) -> None:
    source = Source()
    slow = follow(dedup, chat("same"), source, pace_s=1000)
    quick = [follow(dedup, chat("same"), source) for _ in range(3)]
    await asyncio.gather(*quick)
    assert asyncio.get_running_loop().time() == pytest.approx(0.5)
    assert await slow == source.events


@pytest.mark.parametrize("scope", ["key", "shared"])
@pytest.mark.parametrize("option", JOINING)
def test_D7_keys_are_those_of_the_cache_and_know_whose_they_are(option: str, scope: Any) -> None:
    dedup = build("dedup", option, scope=scope)
    mine, theirs = chat(caller="a"), chat(caller="b")
    assert (dedup.key(mine, "model") == dedup.key(theirs, "model")) == (scope == "shared")
    assert dedup.key(mine, "model") == Sharing(scope, sampled=False).key(mine, "model")


@pytest.mark.parametrize("option", JOINING)
def test_D2_sampled_requests_are_joined_where_that_is_configured(option: str) -> None:
    assert not build("dedup", option, sampled=True).refuses(chat(temperature=0.7), DEFAULTS)
