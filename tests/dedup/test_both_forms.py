"""Streamed and whole requests in one flight."""

import asyncio
from typing import Any

import pytest

from tests.calls import Asked, ask, ask_all, chat, leave
from tests.dedup.meeting import due, single, slow, start
from tests.gateways import gateway
from tests.scripted import Script, Scripted, answer
from vgate.errors import ApiError, DeadlineExceeded
from vgate.types import Call


async def forms_at(*moments: tuple[float, bool], script: Any = slow, option: str = "single_flight") -> Any:
    """The same request, streamed or whole, at these moments; the engine and what each got."""
    engine = Scripted(script)
    entry = gateway(engine, "time_window", dedup=option)
    tasks = []
    for at, stream in moments:
        await asyncio.sleep(at - asyncio.get_running_loop().time())
        tasks.append(start(entry, chat("same", stream=stream)))
    return engine, await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("after_s", [0.0, 0.04, 0.1, 0.6, 1.139], ids=["at once", "queued", "prefill", "decode", "end"])
async def test_D1_C13_whole_answers_follow_a_stream(after_s: float) -> None:
    """Put together once for all of them, and the same to the byte as one generated whole."""
    engine, (stream, *wholes) = await forms_at((0.0, True), *[(after_s, False)] * 5)
    assert len(engine.entered) == 1
    assert {one.record.cache for one in wholes} == {"coalesced"}
    assert {one.text for one in wholes} == {stream.text}
    _, [alone] = await forms_at((10.0, False))
    assert {one.anonymous for one in wholes} == {alone.anonymous}
    assert {one.record.usage for one in wholes} == {alone.record.usage}


async def test_a_stream_does_not_wait_for_a_whole_answer_but_is_generated() -> None:
    """Its tokens come as they are made; whole answers go on following the one that began first."""
    engine, answers = await forms_at((0.0, False), (0.2, True), (0.3, False), (0.3, True))
    assert len(engine.entered) == 2
    assert [one.record.cache for one in answers] == ["bypass(disabled)", "bypass(disabled)", "coalesced", "coalesced"]
    assert answers[1].record.first_token == pytest.approx(0.35)


async def test_D4_the_stream_leaves_and_the_whole_answers_that_followed_it_are_finished() -> None:
    engine = Scripted(slow)
    entry = single(engine)
    stream = start(entry, chat("same", stream=True))
    await asyncio.sleep(0.5)
    wholes = [start(entry, chat("same")) for _ in range(2)]
    await asyncio.sleep(0.1)
    await leave(stream)
    assert {len(one.text.split()) for one in await asyncio.gather(*wholes)} == {100}
    assert (len(engine.entered), engine.aborted) == (1, [])


@pytest.mark.parametrize("turns", range(5))
async def test_D4_the_last_whole_answer_leaves_and_the_stream_it_followed_is_aborted(turns: int) -> None:
    engine = Scripted(slow)
    entry = single(engine)
    stream = start(entry, chat("same", stream=True))
    await asyncio.sleep(0.5)
    wholes = [start(entry, chat("same")) for _ in range(2)]
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in (stream, *wholes):
        await leave(task)
    assert engine.running == 0
    assert len(engine.aborted) == 1
    assert entry.dedup._flights == {}  # type: ignore[attr-defined]


async def test_D4_a_whole_answer_joins_in_the_turn_in_which_the_stream_leaves() -> None:
    engine = Scripted(slow)
    entry = single(engine)
    stream = start(entry, chat("same", stream=True))
    await asyncio.sleep(0.5)
    whole = start(entry, chat("same"))
    stream.cancel()
    assert len((await whole).text.split()) == 100


async def test_D3_a_stream_that_fails_is_an_error_for_the_whole_answers_too() -> None:
    def breaks(call: Call) -> Script:
        return [*list(slow(call))[:30], (0.1, ApiError(500, "no", "server_error"))]

    _, results = await forms_at((0.0, True), (0.2, False), script=breaks)
    assert [str(result) for result in results] == ["no", "no"]


async def test_D5_a_whole_answer_extends_the_deadline_of_the_stream_it_follows() -> None:
    engine = Scripted(slow)
    entry = single(engine, "time_window", max_wait_time_ms=2000.0)
    calls = [due(chat("same", stream=True), 0.5), chat("same")]
    results = await asyncio.gather(*(ask(entry, call) for call in calls), return_exceptions=True)
    assert [type(result) for result in results] == [DeadlineExceeded, Asked]
    assert len(engine.entered) == 1


async def test_S8_who_wants_usage_and_who_does_not_share_a_stream() -> None:
    entry = single(Scripted(slow))
    options = [{}, {"stream_options": {"include_usage": True}}, {"stream_options": {"include_usage": False}}]
    answers = await ask_all(entry, [chat("same", stream=True, **fields) for fields in options])
    assert [one.record.cache for one in answers[1:]] == ["coalesced"] * 2
    assert [b'"usage"' in one.data for one in answers] == [False, True, False]
    assert len({one.record.usage for one in answers}) == 1


async def test_batch_joins_whole_answers_to_a_stream_until_it_is_dispatched() -> None:
    engine, answers = await forms_at((0.0, True), (0.02, False), (0.2, False), option="batch")
    assert [one.record.cache for one in answers] == ["bypass(disabled)", "coalesced", "bypass(disabled)"]
    assert len(engine.entered) == 2


async def test_a_whole_answer_larger_than_the_bound_is_given_to_all() -> None:
    def large(call: Call) -> Script:
        return [(wait, event.replace(b"same", b"x" * 100_000)) for wait, event in answer(call)]  # type: ignore[union-attr]

    answers = await ask_all(single(Scripted(large), max_buffer_bytes=50_000), [chat("same") for _ in range(3)])
    assert {len(one.text) for one in answers} == {100_004}
    assert [one.record.cache for one in answers].count("coalesced") == 2
