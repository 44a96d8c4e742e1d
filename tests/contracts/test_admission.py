"""What holds in front of every batch strategy: a bounded queue, deadlines, and nobody forgotten."""

import asyncio
from typing import Any

import pytest

from tests.calls import ask, ask_all, chat, leave
from tests.components import options
from tests.gateways import Heard, gateway
from tests.scripted import Scripted, answer
from vgate.errors import ApiError, BadRequest, DeadlineExceeded, Overloaded
from vgate.types import Call, Capacity

every_strategy = pytest.mark.parametrize("batch", options("batch"))
ONE_AT_A_TIME: dict[str, Any] = {"max_running": 1, "max_batch_size": 1, "max_wait_time_ms": 0.0}


def slow(seconds: float = 10.0) -> Scripted:
    return Scripted(lambda call: answer(call, 1, prefill_s=seconds))


def due(call: Call, seconds: float) -> Call:
    """The same request, whose answer must begin so many seconds from now."""
    return Call(call.id, call.endpoint, call.body, call.caller, asyncio.get_running_loop().time() + seconds)


@every_strategy
async def test_B11_over_the_bound_refused_at_once_and_counted(batch: str) -> None:
    """One in the engine, three wait: the fifth is told when to come back, and takes nobody's place."""
    engine, heard = slow(), Heard()
    entry = gateway(engine, batch, observer=heard, max_waiting=3, **ONE_AT_A_TIME)
    tasks = [asyncio.create_task(ask(entry, chat(str(number)))) for number in range(4)]
    await asyncio.sleep(1)
    with pytest.raises(Overloaded) as refused:
        await ask(entry, chat("one too many"))
    assert asyncio.get_running_loop().time() == 1
    assert (refused.value.status, int(refused.value.headers["retry-after"]) >= 1) == (503, True)
    assert (heard.now_waiting, heard.now_running, heard.dropped) == (3, 1, ["full"])
    await asyncio.gather(*tasks)
    assert (await ask(entry, chat("again"))).text == "again"
    assert (heard.now_waiting, heard.now_running) == (0, 0)


async def test_B11_requests_that_wait_inside_the_engine_count_too() -> None:
    """Passthrough lets all in at once: beyond the two that the engine runs at once they wait there."""
    entry = gateway(slow(), max_waiting=3, capacity=Capacity(sequences=2))
    results = await asyncio.gather(*(ask(entry, chat(str(number))) for number in range(9)), return_exceptions=True)
    assert [isinstance(result, Overloaded) for result in results] == [False] * 5 + [True] * 4


async def test_B11_the_bound_holds_while_requests_are_being_checked() -> None:
    class SlowCheck(Scripted):
        async def prepare(self, call: Call) -> Any:
            await asyncio.sleep(1)
            return await super().prepare(call)

    entry = gateway(SlowCheck(), max_waiting=4)
    results = await asyncio.gather(*(ask(entry, chat(str(number))) for number in range(9)), return_exceptions=True)
    assert sum(isinstance(result, Overloaded) for result in results) == 5


async def test_retry_after_is_when_there_should_be_room() -> None:
    """A request a second leaves; with four waiting and room for four, one second is enough."""
    entry = gateway(slow(1.0), max_waiting=4, **ONE_AT_A_TIME)
    for _ in range(4):
        await ask(entry, chat())
    tasks = [asyncio.create_task(ask(entry, chat(str(number)))) for number in range(5)]
    await asyncio.sleep(0.5)
    with pytest.raises(Overloaded) as refused:
        await ask(entry, chat())
    await asyncio.sleep(int(refused.value.headers["retry-after"]))
    tasks.append(asyncio.create_task(ask(entry, chat("later"))))
    assert len(await asyncio.gather(*tasks)) == 6
    assert int(refused.value.headers["retry-after"]) <= 2


async def test_retry_after_counts_no_time_that_nobody_was_here() -> None:
    """An hour without requests says nothing about how fast they leave: each takes a second."""
    entry = gateway(slow(1.0), max_waiting=4, max_running=4)
    await ask_all(entry, [chat(str(number)) for number in range(8)])
    await asyncio.sleep(3600)
    results = await asyncio.gather(*(ask(entry, chat(str(number))) for number in range(9)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Overloaded)]
    assert [error.headers["retry-after"] for error in refused] == ["1"]


async def test_B11_the_refusal_tells_how_many_wait() -> None:
    entry = gateway(slow(), max_waiting=3, max_running=2, capacity=Capacity(sequences=256))
    results = await asyncio.gather(*(ask(entry, chat(str(number))) for number in range(6)), return_exceptions=True)
    assert [str(result) for result in results if isinstance(result, Overloaded)] == [
        "3 requests are waiting already (queue.max_waiting)."
    ]


@every_strategy
@pytest.mark.parametrize("stream", [True, False])
async def test_B7_a_deadline_that_passes_while_waiting_is_refused_in_time_and_never_sent(
    batch: str, stream: bool
) -> None:
    engine, heard = slow(), Heard()
    entry = gateway(engine, batch, observer=heard, **ONE_AT_A_TIME)
    first = asyncio.create_task(ask(entry, chat("first")))
    await asyncio.sleep(1)
    with pytest.raises(DeadlineExceeded):
        await ask(entry, due(chat("late", stream=stream), 2))
    assert asyncio.get_running_loop().time() == pytest.approx(3)
    await first
    assert (len(engine.entered), heard.dropped) == (1, ["deadline"])
    assert (heard.now_waiting, heard.now_running) == (0, 0)


@every_strategy
async def test_B7_what_can_no_longer_be_answered_in_time_is_dropped_at_dispatch(batch: str) -> None:
    """Answers begin after 10 s of engine time at the least; whoever has 5 s left at its turn need not enter."""
    engine, heard = slow(), Heard()
    entry = gateway(engine, batch, observer=heard, **ONE_AT_A_TIME)
    await ask(entry, chat("learn"))
    before = asyncio.create_task(ask(entry, chat("before")))
    await asyncio.sleep(0)
    hopeless, good = ask(entry, due(chat("hopeless"), 15)), ask(entry, due(chat("good"), 25))
    results = await asyncio.gather(hopeless, good, before, return_exceptions=True)
    assert isinstance(results[0], DeadlineExceeded)
    assert not isinstance(results[1], Exception)
    assert (len(engine.entered), heard.dropped) == (3, ["deadline"])


@every_strategy
@pytest.mark.parametrize("stream", [True, False])
async def test_B7_after_a_slow_time_deadlines_are_kept_again(batch: str, stream: bool) -> None:
    """All answers took 3 s, now 0.1 s. Were the slow ones remembered, nobody would be let in to show that."""
    takes_s = 3.0
    entry = gateway(Scripted(lambda call: answer(call, 1, prefill_s=takes_s)), batch)
    await ask_all(entry, [chat(str(number), stream=stream) for number in range(64)])
    takes_s = 0.1
    with pytest.raises(DeadlineExceeded):
        await ask(entry, due(chat("too soon", stream=stream), 1))
    await asyncio.sleep(15)
    assert (await ask(entry, due(chat("again", stream=stream), 1))).text == "again"


async def test_B7_long_answers_say_nothing_about_how_soon_a_short_one_is_whole() -> None:
    entry = gateway(Scripted(lambda call: answer(call, call.body["max_tokens"])))
    await ask_all(entry, [chat(str(number), max_tokens=500) for number in range(64)])
    assert (await ask(entry, due(chat("short", max_tokens=1), 1))).text == "short"


@pytest.mark.parametrize("stream", [True, False])
async def test_B7_a_deadline_that_passes_in_the_engine_aborts_the_work(stream: bool) -> None:
    engine = slow()
    call = due(chat("slow", stream=stream), 4)
    with pytest.raises(DeadlineExceeded) as late:
        await ask(gateway(engine), call)
    assert (late.value.status, asyncio.get_running_loop().time()) == (504, 4)
    assert engine.aborted == [call.id]


async def test_a_stream_that_has_begun_in_time_goes_on() -> None:
    engine = Scripted(lambda call: answer(call, 100, prefill_s=1.0, step_s=0.1))
    assert len((await ask(gateway(engine), due(chat("x", stream=True), 2))).text.split()) == 100


@every_strategy
async def test_B6_clients_that_left_while_waiting_are_counted_and_not_sent(batch: str) -> None:
    engine, heard = slow(), Heard()
    entry = gateway(engine, batch, observer=heard, **ONE_AT_A_TIME)
    first = asyncio.create_task(ask(entry, chat("first")))
    await asyncio.sleep(1)
    leaving = [asyncio.create_task(ask(entry, chat(f"leaves {number}"))) for number in range(3)]
    await asyncio.sleep(1)
    for task in leaving:
        await leave(task)
    await first
    assert (len(engine.entered), heard.dropped) == (1, ["left"] * 3)
    assert (heard.now_waiting, heard.now_running) == (0, 0)


@every_strategy
async def test_B4_a_bad_request_fails_alone_and_takes_no_place(batch: str) -> None:
    heard = Heard()
    entry = gateway(Scripted(), batch, observer=heard, max_batch_size=3, max_waiting=100)
    calls = [ask(entry, chat("bad", bad=1)), *(ask(entry, chat(str(number))) for number in range(6))]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(results[0], BadRequest)
    assert not any(isinstance(result, ApiError) for result in results[1:])
    assert (heard.dropped, heard.now_waiting, heard.now_running) == ([], 0, 0)


@every_strategy
async def test_max_running_bounds_what_is_in_the_engine(batch: str) -> None:
    most = 0

    class Counting(Heard):
        def running(self, change: int) -> None:
            nonlocal most
            super().running(change)
            most = max(most, self.now_running)

    entry = gateway(slow(1.0), batch, observer=Counting(), max_running=5, max_batch_size=8, max_wait_time_ms=10.0)
    await ask_all(entry, [chat(str(number)) for number in range(30)])
    assert most == 5


async def test_max_running_may_be_what_the_engine_runs_at_once() -> None:
    engine = slow(1.0)
    entry = gateway(engine, max_running="engine", capacity=Capacity(sequences=2))
    await ask_all(entry, [chat(str(number)) for number in range(4)])
    assert sorted(engine.entered.values()) == [0, 0, 1, 1]
