import asyncio
import random
from typing import Any

import pytest

from tests.calls import Asked, ask, ask_all, asked, call_of, chat, leave
from tests.gateways import Heard, dry_run, gateway
from tests.scripted import Script, Scripted, answer, chunk
from vgate.cache.base import Cache
from vgate.cache.lru import LruCache
from vgate.errors import ApiError, BadRequest, DeadlineExceeded
from vgate.gateway import Gateway
from vgate.observe.prometheus import PrometheusObserver
from vgate.types import Answer, Call

streamed_and_whole = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


def slow(call: Call) -> Script:
    """100 ms of prefill, then 100 tokens of 10 ms."""
    return answer(call, tokens=100, prefill_s=0.1, step_s=0.01)


def single(engine: Scripted, batch: str = "passthrough", cache: str = "none", **changes: Any) -> Gateway:
    return gateway(engine, batch, cache, "single_flight", **changes)


def start(entry: Gateway, call: Call, asking: Asked | None = None) -> "asyncio.Task[Asked]":
    return asyncio.create_task(ask(entry, call, asking))


async def test_D1_D10_S12_a_thousand_identical_streams_at_random_times_are_one_generation() -> None:
    """Dry run: 1 call of the engine, 1,000 answers that are equal to the byte but for their ids."""
    engine = await dry_run(decode_step_ms=10.0)
    entry, order, ran = gateway(engine, dedup="single_flight"), random.Random(1), []
    run = engine.run
    engine.run = lambda job: ran.append(job) or run(job)  # type: ignore[method-assign,func-returns-value]

    async def one(number: int) -> Asked:
        await asyncio.sleep(order.uniform(0, 2.5) if number else 0)
        return await ask(entry, chat("same", stream=True, max_tokens=256))

    answers = await asyncio.gather(*(one(number) for number in range(1000)))
    assert len(ran) == 1
    assert len({one.anonymous for one in answers}) == 1
    assert len(answers[0].text.split()) == 256
    assert [one.record.cache for one in answers].count("coalesced") == 999
    for number in range(0, 1000, 111):
        assert sum(other.call.id.encode() in answers[number].data for other in answers) == 1


@streamed_and_whole
@pytest.mark.parametrize("after_s", [0.01, 0.06, 0.2, 1.13], ids=["queued", "prefill", "decode", "last token"])
async def test_D1_joined_whenever_it_comes(stream: bool, after_s: float) -> None:
    engine = Scripted(slow)
    entry = single(engine, "time_window")
    first = start(entry, chat("same", stream=stream))
    await asyncio.sleep(after_s)
    late = await ask(entry, chat("same", stream=stream))
    assert (late.record.cache, late.anonymous) == ("coalesced", (await first).anonymous)
    assert len(engine.entered) == 1


async def test_who_joins_late_gets_what_has_been_said_at_once_and_then_the_live_stream() -> None:
    entry = single(Scripted(slow))
    first = start(entry, chat("same", stream=True))
    await asyncio.sleep(0.605)
    call, loop = chat("same", stream=True), asyncio.get_running_loop()
    events = entry.answer(call, asked(call).record)
    times = [round(loop.time(), 3) async for event in events if event.content]
    assert times[:51] == [0.605] * 51
    assert times[51:] == pytest.approx([0.61 + 0.01 * n for n in range(49)], abs=1e-3)
    await first


class Slow(LruCache):
    """Takes its time for everything: what it finds is what was there when it was asked."""

    def __init__(self) -> None:
        super().__init__(10, 2**20, "key", sampled=False)
        self.get_s = self.put_s = 0.1

    async def get(self, key: bytes, max_age_s: float | None = None) -> Answer | None:
        found = await super().get(key, max_age_s)
        await asyncio.sleep(self.get_s)
        return found

    async def put(self, key: bytes, answer: Answer, ttl_s: float | None = None) -> None:
        await asyncio.sleep(self.put_s)
        await super().put(key, answer, ttl_s)


def with_cache(engine: Scripted, cache: Cache) -> Gateway:
    entry = single(engine)
    entry.cache = cache
    return entry


@streamed_and_whole
async def test_D8_between_the_last_token_and_the_cache_there_is_never_a_second_generation(stream: bool) -> None:
    """One request every millisecond, from before the first token until long after the answer is in the cache."""
    engine = Scripted(lambda call: answer(call, tokens=3, prefill_s=0.05, step_s=0.01))
    entry, tasks = with_cache(engine, Slow()), []
    for _ in range(600):
        tasks.append(start(entry, chat("same", stream=stream)))
        await asyncio.sleep(0.001)
    verdicts = [one.record.cache for one in await asyncio.gather(*tasks)]
    assert len(engine.entered) == 1
    assert {verdict: verdicts.count(verdict) > 100 for verdict in ("coalesced", "hit")} == {"coalesced": 1, "hit": 1}
    assert set(verdicts) == {"miss", "coalesced", "hit"}
    assert entry._dedup._flights == entry._dedup._landed == entry._dedup._lookups == {}  # type: ignore[attr-defined]


async def test_D8_nobody_waits_for_the_cache_to_store() -> None:
    cache = Slow()
    cache.get_s, cache.put_s = 0, 100
    entry = with_cache(Scripted(), cache)
    await ask(entry, chat("same", stream=True))
    assert asyncio.get_running_loop().time() == pytest.approx(0.12)
    await asyncio.sleep(200)
    assert (await ask(entry, chat("same", stream=True))).record.cache == "hit"


@streamed_and_whole
@pytest.mark.parametrize("after_s", [0.01, 0.06, 0.5], ids=["queued", "prefill", "decode"])
async def test_D4_the_first_one_leaves_and_the_others_get_their_answer(stream: bool, after_s: float) -> None:
    engine = Scripted(slow)
    entry = single(engine, "time_window")
    tasks = [start(entry, chat("same", stream=stream)) for _ in range(3)]
    await asyncio.sleep(after_s)
    await leave(tasks[0])
    assert {len(one.text.split()) for one in await asyncio.gather(*tasks[1:])} == {100}
    assert (len(engine.entered), engine.aborted) == (1, [])


@streamed_and_whole
@pytest.mark.parametrize("after_s", [0.01, 0.06, 0.5], ids=["queued", "prefill", "decode"])
async def test_D4_the_last_one_leaves_and_the_generation_is_aborted(stream: bool, after_s: float) -> None:
    engine = Scripted(slow)
    entry = single(engine, "time_window")
    tasks = [start(entry, chat("same", stream=stream)) for _ in range(3)]
    await asyncio.sleep(after_s)
    for task in tasks:
        await leave(task)
    assert engine.running == 0
    assert len(engine.aborted) == len(engine.entered) == (after_s > 0.05)
    assert (await ask(entry, chat("same", stream=stream))).text.startswith("same 1 2")


async def test_D3_all_get_the_error_after_what_was_said_and_the_key_is_free_at_once() -> None:
    def breaks(call: Call) -> Script:
        return [*list(slow(call))[:30], (0.1, ApiError(500, "no", "server_error"))]

    engine = Scripted(breaks)
    entry = single(engine)
    asking = [asked(chat("same", stream=True)) for _ in range(5)]
    results = await asyncio.gather(*(ask(entry, one.call, one) for one in asking), return_exceptions=True)
    assert [str(result) for result in results] == ["no"] * 5
    assert [len(one.events) for one in asking] == [30] * 5
    engine.script = answer
    assert (await ask(entry, chat("same", stream=True))).text == "same 1 2"
    assert len(engine.entered) == 2


async def test_D3_what_is_refused_is_refused_for_all() -> None:
    engine = Scripted()
    entry = single(engine)
    calls = [chat("same", bad=True) for _ in range(3)]
    results = await asyncio.gather(*(ask(entry, call) for call in calls), return_exceptions=True)
    assert [type(result) for result in results] == [BadRequest] * 3
    assert not engine.entered


def due(call: Call, seconds: float | None) -> Call:
    return Call(call.id, call.endpoint, call.body, call.caller, seconds)


@pytest.mark.parametrize("others", [[None], [5.0], [1.0, 5.0], [5.0, 1.0]])
async def test_D5_a_deadline_is_only_that_of_its_own_request(others: list[float | None]) -> None:
    """The leader's is over while it waits for its batch; who follows still gets the answer."""
    engine = Scripted(slow)
    entry = single(engine, "time_window", max_wait_time_ms=2000.0)
    calls = [due(chat("same", stream=True), seconds) for seconds in (0.5, *others)]
    results = await asyncio.gather(*(ask(entry, call) for call in calls), return_exceptions=True)
    wanted = [Asked if seconds in (None, 5.0) else DeadlineExceeded for seconds in (0.5, *others)]
    assert [type(result) for result in results] == wanted
    assert len(engine.entered) == 1


async def test_B7_a_flight_whose_every_deadline_is_out_of_reach_is_not_generated() -> None:
    engine = Scripted(slow)
    heard = Heard()
    entry = single(engine, "lockstep", max_batch_size=1, observer=heard)
    await ask(entry, chat("teach", stream=True))
    busy = start(entry, chat("other", stream=True))
    now = asyncio.get_running_loop().time()
    calls = [due(chat("same", stream=True), now + seconds) for seconds in (1.1, 1.15)]
    results = await asyncio.gather(*(ask(entry, call) for call in calls), return_exceptions=True)
    assert [type(result) for result in results] == [DeadlineExceeded] * 2
    await busy
    assert (len(engine.entered), heard.dropped) == (2, ["deadline"])


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("early_s", [1e-6, 1e-10, 0.0])
async def test_D5_who_joins_in_the_turn_in_which_the_others_miss_their_deadline(early_s: float, stream: bool) -> None:
    engine = Scripted(slow)
    entry = single(engine, "time_window", max_wait_time_ms=50.0)
    await ask(entry, chat("teach", stream=True))
    leader = start(entry, due(chat("same", stream=True), asyncio.get_running_loop().time() + 0.14))

    async def follow() -> Asked:
        await asyncio.sleep(0.05 - early_s)
        return await ask(entry, chat("same", stream=stream))

    assert (await follow()).text.startswith("same")
    assert isinstance((await asyncio.gather(leader, return_exceptions=True))[0], DeadlineExceeded)


async def test_D5_who_gives_up_changes_nothing_for_the_others() -> None:
    engine = Scripted(slow)
    entry = single(engine)
    tasks = [start(entry, chat("same", stream=True)) for _ in range(6)]
    for task in tasks[1::2]:
        await asyncio.sleep(0.2)
        await leave(task)
    assert len({one.anonymous for one in await asyncio.gather(*tasks[::2])}) == 1
    assert len(engine.entered) == 1


async def test_D6_requests_are_counted_each_and_the_generation_once_though_its_client_left() -> None:
    """The one that started it leaves before the first token: TTFT, TPOT and tokens are still measured."""
    metrics = PrometheusObserver()
    entry = gateway(Scripted(slow), dedup="single_flight", observer=metrics)
    asking = [asked(chat("same", stream=True)) for _ in range(4)]
    tasks = [start(entry, one.call, one) for one in asking]
    await asyncio.sleep(0.05)
    await leave(tasks[0])
    await asyncio.gather(*tasks[1:])
    for one in asking:
        metrics.started(one.record)
        metrics.finished(one.record)
    stats = metrics.stats()
    assert (stats["vgate_tokens_generated_total"], stats["vgate_requests_coalesced_total"]) == (100, 3)
    assert stats["vgate_ttft_seconds"] == {"count": 1, "sum": pytest.approx(0.1), "mean": pytest.approx(0.1)}
    assert stats["vgate_tpot_seconds"] == {"count": 1, "sum": pytest.approx(0.01), "mean": pytest.approx(0.01)}
    assert [one.record.generated for one in asking] == [True, False, False, False]
    assert [one.record.usage for one in asking[1:]] == [asking[1].record.usage] * 3


async def test_D7_callers_are_not_joined_with_each_other() -> None:
    engine = Scripted()
    await ask_all(single(engine), [chat("same", caller=name) for name in ("a", "b", "a")])
    assert len(engine.entered) == 2


async def test_D2_independent_samples_are_each_generated() -> None:
    engine = Scripted()
    answers = await ask_all(single(engine), [chat("same", temperature=0.7) for _ in range(3)])
    assert [one.record.cache for one in answers] == ["bypass(disabled)"] * 3
    assert len(engine.entered) == 3


async def test_D2_several_choices_drawn_without_a_seed_are_each_generated_those_with_one_are_shared() -> None:
    engine = Scripted()
    calls = [chat("same", temperature=0.7, n=3, **seed) for seed in ({}, {}, {"seed": 1}, {"seed": 1})]
    await ask_all(single(engine), calls)
    assert len(engine.entered) == 3


async def test_completions_are_joined_too() -> None:
    calls = [call_of({"model": "test", "prompt": "hi", "seed": 1}, "completions") for _ in range(3)]
    answers = await ask_all(gateway(await dry_run(), dedup="single_flight"), calls)
    assert [one.record.cache for one in answers] == ["bypass(disabled)", "coalesced", "coalesced"]


def long(call: Call) -> Script:
    """2,000 events of about 2 KB, one each millisecond."""
    return [(0.001, chunk(call, {"content": "x" * 2000})) for _ in range(2000)] + list(answer(call))[-3:]


async def test_D9_S10_a_stalled_client_is_dropped_with_an_error_and_nobody_else_notices() -> None:
    entry = single(Scripted(long), max_buffer_bytes=500_000)
    calls = [chat("same", stream=True) for _ in range(4)]
    stalled = entry.answer(calls[0], asked(calls[0]).record)
    got = [await anext(stalled)]
    tasks = [start(entry, call) for call in calls[1:]]
    others = await asyncio.gather(*tasks)
    assert asyncio.get_running_loop().time() == pytest.approx(2.0, abs=0.01)
    assert {len(one.data) > 4_000_000 for one in others} == {True}
    with pytest.raises(ApiError, match=r"Read too slowly: more than 500000 bytes .*dedup.max_buffer_bytes") as caught:
        [got.append(event) async for event in stalled]
    assert (caught.value.status, caught.value.code, len(got)) == (408, "read_too_slowly", 1)


async def test_D9_an_answer_past_half_of_the_bound_is_not_joined_any_more() -> None:
    engine = Scripted(long)
    entry = single(engine, max_buffer_bytes=500_000)
    tasks = []
    for _ in range(3):
        tasks.append(start(entry, chat("same", stream=True)))
        await asyncio.sleep(0.1)
    verdicts = [one.record.cache for one in await asyncio.gather(*tasks)]
    assert verdicts == ["bypass(disabled)", "coalesced", "bypass(disabled)"]
    assert len(engine.entered) == 2


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
    assert entry._dedup._flights == {}  # type: ignore[attr-defined]


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
