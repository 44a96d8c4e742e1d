import asyncio
import random

import pytest

from tests.calls import Asked, ask, ask_all, asked, call_of, chat, leave
from tests.dedup.meeting import due, single, slow, start
from tests.gateways import Heard, dry_run, gateway
from tests.scripted import Script, Scripted, answer, chunk
from vgate.cache.base import Cache
from vgate.cache.lru import LruCache
from vgate.errors import ApiError, BadRequest, DeadlineExceeded
from vgate.gateway import Gateway
from vgate.observe.prometheus import PrometheusObserver
from vgate.types import Answer, Call

streamed_and_whole = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


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
    assert entry.dedup._flights == entry.dedup._landed == entry.dedup._lookups == {}  # type: ignore[attr-defined]


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
