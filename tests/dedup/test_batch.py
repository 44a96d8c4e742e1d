import asyncio

import pytest

from tests.calls import ask, ask_all, chat, leave
from tests.components import build
from tests.scripted import Scripted, answer
from vgate.errors import BadRequest
from vgate.gateway import Gateway
from vgate.observe.base import Observers
from vgate.types import Call

WINDOW_S = 0.05


def gateway(engine: Scripted, batch: str = "time_window") -> Gateway:
    """Windows that close after 50 ms or with 8 requests, no cache."""
    return Gateway(engine, build("batch", batch), build("cache", "none"), build("dedup", "batch"), Observers())


@pytest.mark.parametrize("stream", [False, True])
async def test_D1_five_identical_at_once_are_one_generation_and_five_answers(stream: bool) -> None:
    engine = Scripted()
    answers = await ask_all(gateway(engine), [chat("same", stream=stream) for _ in range(5)])
    assert len(engine.entered) == 1
    assert {one.text for one in answers} == {"same 1 2"}
    assert [one.record.cache for one in answers] == ["bypass(disabled)"] + ["coalesced"] * 4


async def test_D10_each_answer_has_its_own_id() -> None:
    answers = await ask_all(gateway(Scripted()), [chat("same") for _ in range(5)])
    assert len({one.anonymous for one in answers}) == 1
    ids = {one.call.id for one in answers}
    for one in answers:
        assert [call_id for call_id in ids if call_id.encode() in one.data] == [one.call.id]


async def test_D6_only_the_one_that_is_generated_counts_as_generated() -> None:
    answers = await ask_all(gateway(Scripted()), [chat("same") for _ in range(3)])
    assert [one.record.generated for one in answers] == [True, False, False]
    assert [one.record.batch_id for one in answers] == [1, None, None]
    assert len({one.record.usage for one in answers}) == 1


async def test_joined_until_the_batch_has_entered_the_engine_and_not_after() -> None:
    engine = Scripted(lambda call: answer(call, prefill_s=10))
    entry = gateway(engine)
    early = [asyncio.create_task(ask(entry, chat("same")))]
    await asyncio.sleep(WINDOW_S - 0.001)
    early.append(asyncio.create_task(ask(entry, chat("same"))))
    await asyncio.sleep(0.002)
    late = await ask(entry, chat("same"))
    assert [one.record.cache for one in await asyncio.gather(*early)] == ["bypass(disabled)", "coalesced"]
    assert late.record.cache == "bypass(disabled)"
    assert list(engine.entered.values()) == [pytest.approx(0.05), pytest.approx(0.101)]


async def test_with_passthrough_nothing_waits_so_nothing_is_joined_later() -> None:
    engine = Scripted()
    entry = gateway(engine, "passthrough")
    first = asyncio.create_task(ask(entry, chat("same")))
    await asyncio.sleep(0.001)
    assert (await ask(entry, chat("same"))).record.cache == "bypass(disabled)"
    await first
    assert len(engine.entered) == 2


async def test_joined_requests_take_one_place_in_the_batch() -> None:
    """20 requests of which 13 are the same: 8 generations, one full batch, no waiting for the window."""
    engine = Scripted()
    answers = await ask_all(gateway(engine), [chat("same") for _ in range(13)] + [chat(f"{n}") for n in range(7)])
    assert set(engine.entered.values()) == {0.0}
    assert {one.record.batch_size for one in answers if one.record.generated} == {8}


async def test_D4_the_first_one_leaves_and_the_others_get_their_answer() -> None:
    engine = Scripted()
    entry = gateway(engine)
    tasks = [asyncio.create_task(ask(entry, chat("same", stream=True))) for _ in range(3)]
    await asyncio.sleep(WINDOW_S + 0.11)
    await leave(tasks[0])
    assert {one.text for one in await asyncio.gather(*tasks[1:])} == {"same 1 2"}
    assert not engine.aborted


@pytest.mark.parametrize("after_s", [0.01, WINDOW_S + 0.01, WINDOW_S + 0.11], ids=["queued", "prefill", "decode"])
async def test_D4_the_last_one_leaves_and_the_generation_is_aborted(after_s: float) -> None:
    engine = Scripted()
    entry = gateway(engine)
    tasks = [asyncio.create_task(ask(entry, chat("same", stream=True))) for _ in range(3)]
    await asyncio.sleep(after_s)
    for task in tasks:
        await leave(task)
    assert engine.running == 0
    assert len(engine.aborted) == (after_s > WINDOW_S)
    assert (await ask(entry, chat("same"))).text == "same 1 2"


async def test_D3_what_is_refused_before_it_enters_is_refused_for_all_and_not_joined_later() -> None:
    engine = Scripted()
    entry = gateway(engine)
    calls = [chat("same", bad=True) for _ in range(3)]
    results = await asyncio.gather(*(ask(entry, call) for call in calls), return_exceptions=True)
    assert [type(result) for result in results] == [BadRequest] * 3
    with pytest.raises(BadRequest):
        await ask(entry, chat("same", bad=True))
    assert not engine.entered


async def test_D7_callers_are_not_joined_with_each_other() -> None:
    engine = Scripted()
    await ask_all(gateway(engine), [chat("same", caller=name) for name in ("a", "b", "a")])
    assert len(engine.entered) == 2


async def test_D2_sampled_requests_are_each_generated() -> None:
    engine = Scripted()
    calls: list[Call] = [chat("same", temperature=0.7) for _ in range(3)]
    assert [one.record.cache for one in await ask_all(gateway(engine), calls)] == ["bypass(disabled)"] * 3
    assert len(engine.entered) == 3
