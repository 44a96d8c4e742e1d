"""The request path: what is stored, what is stamped, what observers may do."""

import asyncio
import contextlib
from typing import Any

import pytest

from tests.calls import ask, ask_all, asked, chat, leave
from tests.components import options
from tests.gateways import Heard, dry_run, gateway
from tests.scripted import Script, Scripted, answer, chunk
from vgate import sse
from vgate.errors import ApiError, BadRequest, NotReady
from vgate.gateway import Gateway
from vgate.observe.base import Observer, Observers
from vgate.types import Batch, Call, Usage


def breaks(after: int, how: Exception | None = None) -> Any:
    """A script that goes well for so many events, then raises or just ends."""

    def script(call: Call) -> Script:
        good = list(answer(call))[:after]
        return [*good, (0.1, how)] if how else good

    return script


BROKEN: dict[str, Any] = {
    "error before the first event": breaks(0, BadRequest("no")),
    "error after the role": breaks(1, ApiError(500, "no", "server_error")),
    "error midway": breaks(3, ApiError(500, "no", "server_error")),
    "crash midway": breaks(3, ZeroDivisionError()),
    "error event": lambda call: [*list(answer(call))[:3], (0.0, sse.encode({"error": {"message": "no", "code": 500}}))],
    "ends without a word": breaks(0),
    "ends midway": breaks(3),
    "ends before done": breaks(6),
}


async def test_not_ready_is_said_before_anything_else() -> None:
    engine = Scripted()
    engine.is_ready = False
    with pytest.raises(NotReady):
        await ask(gateway(engine, cache="lru"), chat())


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("batch", ["passthrough", "lockstep"])
@pytest.mark.parametrize("dedup", ["none", "batch"])
async def test_C9_R5_what_breaks_is_an_error_is_not_stored_and_frees_its_place(
    script: Any, batch: str, dedup: str
) -> None:
    engine = Scripted(script)
    entry = gateway(engine, batch, "lru", dedup, max_batch_size=1)
    with pytest.raises((ApiError, ZeroDivisionError)):
        await ask(entry, chat("same", stream=True))
    assert len(entry.cache) == 0
    engine.script = answer
    again = await ask(entry, chat("same", stream=True))
    assert (again.record.cache, again.text) == ("miss", "same 1 2")


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("dedup", options("dedup"))
async def test_S9_O9_what_breaks_is_never_generated_again(script: Any, dedup: str) -> None:
    """Not after the first byte, and not before either: whether to ask again is the client's to decide."""
    engine = Scripted(script)
    results = await asyncio.gather(
        *(ask(gateway(engine, dedup=dedup), chat("same", stream=True)) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(result, Exception) for result in results)
    assert len(engine.entered) == 3


@pytest.mark.parametrize("how", [BadRequest("no"), ApiError(500, "no", "server_error")])
async def test_C9_a_whole_answer_that_fails_is_not_stored(how: ApiError) -> None:
    entry = gateway(Scripted(breaks(0, how)), cache="lru")
    with pytest.raises(ApiError, match="no"):
        await ask(entry, chat())
    assert len(entry.cache) == 0


async def test_S6_what_came_before_the_error_has_reached_the_client() -> None:
    call = chat(stream=True)
    asking = asked(call)
    with pytest.raises(ApiError):
        await ask(gateway(Scripted(BROKEN["error midway"])), call, asking)
    assert [event.content for event in asking.events] == [False, True, True]
    assert asking.record.usage is None


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("dedup", ["none", "batch"])
async def test_C9_an_answer_that_its_client_left_is_not_stored(stream: bool, dedup: str) -> None:
    entry = gateway(Scripted(), "passthrough", "lru", dedup)
    task = asyncio.create_task(ask(entry, chat("same", stream=stream)))
    await asyncio.sleep(0.105)
    await leave(task)
    assert len(entry.cache) == 0
    assert (await ask(entry, chat("same", stream=stream))).record.cache == "miss"


async def test_C9_refused_before_the_engine_is_not_stored_and_takes_no_place() -> None:
    heard = Heard()
    entry = gateway(Scripted(), "lockstep", "lru", "batch", heard)
    with pytest.raises(BadRequest):
        await ask(entry, chat(bad=1))
    assert (len(entry.cache), heard.batches) == (0, [])


async def test_C11_sampled_answers_go_past_the_cache_and_say_so() -> None:
    entry = gateway(cache="lru", dedup="batch")
    calls = [chat("same", temperature=0.7), chat("same", temperature=None)]
    assert [one.record.cache for one in await ask_all(entry, calls)] == ["bypass(sampled)"] * 2
    assert len(entry.cache) == 0


@pytest.mark.parametrize("fields", [{"tools": []}, {"prompt_logprobs": 1}, {"unheard_of": 1}])
async def test_C13_streamed_and_whole_share_no_entry_where_they_may_differ(fields: dict[str, Any]) -> None:
    entry = gateway(cache="lru")
    asking = [await ask(entry, chat("same", stream=stream, **fields)) for stream in (True, False)]
    assert [one.record.cache for one in asking] == ["miss", "miss"]


async def test_C13_nor_where_the_engine_does_not_say_how_its_answers_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "shapes", {})
    entry = gateway(cache="lru")
    asking = [await ask(entry, chat("same", stream=stream)) for stream in (True, False, True, False)]
    assert [one.record.cache for one in asking] == ["miss", "miss", "hit", "hit"]


async def test_C8_another_caller_misses() -> None:
    entry = gateway(cache="lru")
    for caller, found in (("a", "miss"), ("b", "miss"), ("a", "hit"), ("b", "hit")):
        assert (await ask(entry, chat("same", caller=caller))).record.cache == found


async def test_C20_another_model_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Scripted()
    entry = gateway(engine, cache="lru")
    await ask(entry, chat("same"))
    monkeypatch.setattr(Scripted, "fingerprint", "another")
    assert (await ask(entry, chat("same"))).record.cache == "miss"


async def test_C12_a_hit_keeps_tool_calls_reasoning_logprobs_and_reasons() -> None:
    def tools(call: Call) -> Script:
        said = {"tool_calls": [{"index": 0, "id": "t", "function": {"name": "look", "arguments": "{}"}}]}
        extra = sse.encode(
            {"id": f"chatcmpl-{call.id}", "choices": [{"index": 0, "delta": {}, "logprobs": {"x": [1]}}]}
        )
        good = list(answer(call))
        events = [chunk(call, {"reasoning": "hm"}), chunk(call, said), extra, chunk(call, {}, "tool_calls")]
        return [good[0], *((0.1, event) for event in events), *good[-2:]]

    entry = gateway(Scripted(tools), cache="lru")
    miss, hit = [await ask(entry, chat("same", stream=True)) for _ in range(2)]
    assert (miss.record.cache, hit.record.cache) == ("miss", "hit")
    assert hit.anonymous == miss.anonymous
    assert b'"finish_reason":"tool_calls"' in hit.data


@pytest.mark.parametrize("late", [False, True], ids=["stored", "in flight"])
async def test_B12_what_is_there_at_once_is_handed_out_a_piece_at_a_time(late: bool) -> None:
    """A long stored answer, and what was said before one joined, leave others their turn on the event loop."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    entry = gateway(Scripted(lambda call: answer(call, 1000)), cache="lru", dedup="single_flight")
    first = asyncio.create_task(ask(entry, chat("long", stream=True)))
    await asyncio.sleep(9.0 if late else 60.0)
    counting, asking = asyncio.create_task(count()), asked(chat("long", stream=True))
    async with contextlib.aclosing(entry.answer(asking.call, asking.record)) as events:
        for _ in range(800):
            await anext(events)
    counting.cancel()
    assert (asking.record.cache, turns >= 800 // 16 - 2) == ("coalesced" if late else "hit", True)
    await first


async def test_C15_a_hit_generates_nothing() -> None:
    heard = Heard()
    entry = gateway(cache="lru", observer=heard)
    for _ in range(5):
        last = await ask(entry, chat("same"))
    assert not last.record.generated
    assert last.record.usage == Usage(5, 3)
    assert [batch.tokens for batch, _ in heard.batches] == [3]


async def test_S11_a_stream_is_stamped_with_what_its_client_saw() -> None:
    """First content 0.1 s after admission at 0.05, then a token every 10 ms."""
    engine = Scripted(lambda call: answer(call, tokens=11, prefill_s=0.1, step_s=0.01))
    await asyncio.sleep(7)
    record = (await ask(gateway(engine, "time_window"), chat(stream=True))).record
    assert (record.arrived, record.admitted) == (7.0, pytest.approx(7.05))
    assert (record.ttft_s, record.tpot_s) == (pytest.approx(0.15), pytest.approx(0.01))
    assert (record.usage, record.batch_id, record.batch_size, record.generated) == (Usage(5, 11), 1, 1, True)


async def test_S11_a_first_token_at_time_zero_is_the_first_token() -> None:
    engine = Scripted(lambda call: answer(call, tokens=3, prefill_s=0.0, step_s=1.0))
    record = (await ask(gateway(engine), chat(stream=True))).record
    assert (record.first_token, record.last_token, record.tpot_s) == (0.0, 2.0, 1.0)


async def test_S11_stamps_are_those_of_dry_run_to_the_millisecond() -> None:
    """100 prompt tokens at 1,000 a second, and steps of 20 ms: TTFT 120 ms, TPOT 20 ms."""
    engine = await dry_run(prefill_tokens_per_s=1000.0, decode_step_ms=20.0, decode_step_per_seq_ms=0.0)
    record = (await ask(gateway(engine), chat("word " * 99, stream=True, max_tokens=50))).record
    assert (record.usage, record.ttft_s, record.tpot_s) == (Usage(100, 50), pytest.approx(0.12), pytest.approx(0.02))


async def test_a_batch_is_done_with_its_last_answer_and_knows_its_tokens() -> None:
    heard = Heard()
    engine = Scripted(lambda call: answer(call, tokens=int(call.body["messages"][0]["content"]), prefill_s=1.0))
    await ask_all(gateway(engine, "lockstep", observer=heard), [chat("5"), chat("11")])
    [(batch, ended)] = heard.batches
    assert (batch.size, batch.tokens, batch.dispatched) == (2, 16, pytest.approx(0.05))
    assert ended == pytest.approx(0.05 + 1.0 + 10 * 0.01)


async def test_who_leaves_is_counted_with_the_tokens_made_until_then() -> None:
    heard = Heard()
    entry = gateway(Scripted(lambda call: answer(call, tokens=100, prefill_s=0.0, step_s=1.0)), observer=heard)
    task = asyncio.create_task(ask(entry, chat(stream=True)))
    await asyncio.sleep(9.5)
    await leave(task)
    assert [batch.tokens for batch, _ in heard.batches] == [10]


async def test_observers_that_fail_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Observer):
        def batch_done(self, batch: Batch, now: float) -> None:
            raise RuntimeError("observer's own")

    heard = Heard()
    entry = gateway(batch="lockstep", observer=Observers(Failing(), heard))
    assert (await ask(entry, chat("a"))).text == "a 1 2"
    assert (await ask(entry, chat("b"))).text == "b 1 2"
    assert len(heard.batches) == 2
    assert [record.message for record in caplog.records] == ["observer failed"] * 2


async def test_two_gateways_on_one_engine_share_only_the_engine() -> None:
    engine = Scripted()
    one, other = (gateway(engine, "lockstep", "lru", "batch", max_batch_size=1) for _ in range(2))
    await asyncio.gather(ask(one, chat("same")), ask(other, chat("same")))
    assert set(engine.entered.values()) == {0.0}
    assert (len(one.cache), len(other.cache)) == (1, 1)
    assert isinstance(one, Gateway)
