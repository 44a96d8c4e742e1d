"""Clients that leave, at any point of the path, with every option of batch, cache and dedup."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from tests.calls import ask, ask_all, asked, chat, leave
from tests.gateways import COMBINATIONS, Heard, dry_run, gateway
from tests.scripted import Scripted, answer
from vgate.types import Job

every_combination = pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
streamed_and_whole = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
# A window of 50 ms, then 100 ms of prefill, then 100 tokens of 10 ms.
POINTS = {"on arrival": 0.0, "queued": 0.02, "admitted": 0.05, "in prefill": 0.1, "in decode": 0.5}


def slow_engine() -> Scripted:
    return Scripted(lambda call: answer(call, tokens=100, prefill_s=0.1, step_s=0.01))


@every_combination
@streamed_and_whole
@pytest.mark.parametrize("point", POINTS)
async def test_S2_the_engine_is_freed_at_once_and_the_next_request_is_served(
    combination: tuple[str, str, str], stream: bool, point: str
) -> None:
    engine, heard = slow_engine(), Heard()
    entry = gateway(engine, *combination, heard)
    task = asyncio.create_task(ask(entry, chat("same", stream=stream)))
    await asyncio.sleep(POINTS[point])
    await leave(task)
    assert engine.running == 0
    assert engine.aborted == list(engine.entered)
    assert (await ask(entry, chat("same", stream=stream))).text.startswith("same 1 2")
    assert sum(batch.running for batch, _ in heard.batches) == 0
    assert [batch.id for batch, _ in heard.batches] == list(range(1, len(heard.batches) + 1))
    assert len(heard.batches) >= len(engine.entered)


@every_combination
@pytest.mark.parametrize("turns", range(8))
async def test_S2_S4_cancelled_at_any_turn_around_admission(combination: tuple[str, str, str], turns: int) -> None:
    """Six identical requests and six others; half of each leave so many turns after the window closed."""
    engine, heard = slow_engine(), Heard()
    entry = gateway(engine, *combination, heard, max_batch_size=12)
    tasks = [asyncio.create_task(ask(entry, chat("same" if n % 2 else f"{n}", stream=True))) for n in range(12)]
    await asyncio.sleep(0.05)
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in tasks[::3] + tasks[1::6]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 6
    assert engine.running == 0
    assert all(batch.running == 0 for batch, _ in heard.batches)
    assert len(await ask_all(entry, [chat("later"), chat("same")])) == 2


@pytest.mark.parametrize(
    "combination", [one for one in COMBINATIONS if one[0] in ("lockstep", "time_window")], ids="-".join
)
async def test_B6_who_leaves_while_queued_never_enters_the_engine(combination: tuple[str, str, str]) -> None:
    engine = slow_engine()
    entry = gateway(engine, *combination)
    tasks = [asyncio.create_task(ask(entry, chat(f"{number}"))) for number in range(3)]
    await asyncio.sleep(0.02)
    await leave(tasks[1])
    others = await asyncio.gather(tasks[0], tasks[2])
    assert {one.record.batch_size for one in others} == {2}
    assert len(engine.entered) == 2


@every_combination
async def test_S5_closing_an_answer_midway_has_closed_everything_when_it_returns(
    combination: tuple[str, str, str],
) -> None:
    """Not a turn later, when somebody collects what was left."""
    engine, heard = slow_engine(), Heard()
    call = chat("same", stream=True)
    events = gateway(engine, *combination, heard).answer(call, asked(call).record)
    await anext(events)
    await events.aclose()
    assert (engine.running, engine.aborted) == (0, [call.id])
    assert [batch.running for batch, _ in heard.batches] == [0]


class Stubborn(Scripted):
    """Fails to close an answer whose client has left."""

    async def run(self, job: Job) -> AsyncGenerator[bytes, None]:
        try:
            async with contextlib.aclosing(super().run(job)) as events:
                async for event in events:
                    yield event
        except (asyncio.CancelledError, GeneratorExit):
            raise RuntimeError("the socket is gone") from None


@every_combination
@streamed_and_whole
async def test_S5_an_answer_that_cannot_be_closed_still_gives_back_its_place(
    combination: tuple[str, str, str], stream: bool
) -> None:
    """Eight times as many as have room at once leave, one after the other."""
    engine, heard = Stubborn(slow_engine().script), Heard()
    entry = gateway(engine, *combination, heard, max_batch_size=1)
    for number in range(8):
        task = asyncio.create_task(ask(entry, chat(f"{number}", stream=stream)))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (engine.running, heard.now_running, heard.now_waiting) == (0, 0, 0)
    assert [batch.running for batch, _ in heard.batches] == [0] * 8
    assert (await ask(entry, chat("next", stream=stream))).text.startswith("next 1 2")


@every_combination
@streamed_and_whole
async def test_leaving_frees_the_engine_itself(combination: tuple[str, str, str], stream: bool) -> None:
    """Dry run with room for one sequence: who comes next starts when the one before has left, not when it is done."""
    entry = gateway(await dry_run(max_num_seqs=1, decode_step_ms=10.0), *combination)
    task = asyncio.create_task(ask(entry, chat("long", stream=stream, max_tokens=500)))
    await asyncio.sleep(1.0)
    await leave(task)
    nxt = await ask(entry, chat("short", stream=stream, max_tokens=1))
    assert asyncio.get_running_loop().time() < 1.1
    assert nxt.record.generated


# With lockstep alone a batch ends with its slowest reader, and all others wait for that: its weakness.
@pytest.mark.parametrize("combination", [c for c in COMBINATIONS if c[::2] != ("lockstep", "none")], ids="-".join)
async def test_S10_a_reader_that_stalls_holds_up_nobody_else(combination: tuple[str, str, str]) -> None:
    entry = gateway(slow_engine(), *combination)
    call = chat("same", stream=True)
    stalled = entry.answer(call, asked(call).record)
    await anext(stalled)
    await ask_all(entry, [chat("same", stream=True), chat("other", stream=True)])
    assert asyncio.get_running_loop().time() < 2.5
    await stalled.aclose()
