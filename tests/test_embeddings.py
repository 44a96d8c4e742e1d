"""The request path of embeddings: cached by item, bounded by tokens, in order whatever happens."""

import asyncio
import base64
import itertools
import struct
from dataclasses import replace
from typing import Any

import pytest

from tests.calls import leave
from tests.components import build, options, virtual_options
from tests.vectors import SLOW, Counting, ask, embed, embeddings, texts
from vgate.dedup.none import NoDedup
from vgate.embeddings import Embeddings
from vgate.errors import ApiError, BadRequest, DeadlineExceeded, NotReady
from vgate.observe.base import Observer
from vgate.types import CacheControl

COMBINATIONS = list(itertools.product(virtual_options("cache"), options("dedup")))
every_combination = pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)


@every_combination
async def test_vectors_come_in_the_order_of_the_items(combination: tuple[str, str]) -> None:
    path = await embeddings(None, *combination)
    alone = {text: (await ask(path, embed(text))).vectors[0] for text in texts(*range(10))}
    for order in ([*range(10)], [*reversed(range(10))], [3, 3, 1, 3]):
        asked = await ask(path, embed(texts(*order)))
        assert [row["index"] for row in asked.body["data"]] == list(range(len(asked.vectors)))
        assert asked.vectors == [alone[text] for text in texts(*order)]
    assert len({tuple(vector) for vector in alone.values()}) == 10


async def test_C21_nine_of_ten_cached_call_upstream_with_one() -> None:
    engine = Counting()
    path = await embeddings(engine, cache="lru")
    known = await ask(path, embed(texts(*range(9))))
    engine.ran.clear()
    mixed = await ask(path, embed(texts(8, 0, 9, *range(1, 8))))
    assert engine.ran == ["item 9"]
    assert [mixed.vectors[0], mixed.vectors[1], *mixed.vectors[3:]] == [
        known.vectors[8],
        known.vectors[0],
        *known.vectors[1:8],
    ]
    assert (known.verdict, mixed.verdict) == ("miss", "partial(9/10)")
    again = await ask(path, embed(texts(9, 0)))
    assert (again.verdict, engine.ran, again.vectors) == ("hit", ["item 9"], [mixed.vectors[2], known.vectors[0]])


@pytest.mark.real_time
async def test_C21_replicas_share_items_through_redis(redis_url: str) -> None:
    engines = [Counting(), Counting()]
    stores = [build("cache", "redis", url=redis_url, prefix="items:", timeout_ms=5000) for _ in engines]
    one, other = [
        Embeddings(engine, store, NoDedup(), Observer()) for engine, store in zip(engines, stores, strict=True)
    ]
    for engine in engines:
        await engine.start()
    known = await ask(one, embed(texts(*range(9))))
    mixed = await ask(other, embed(texts(*range(10))))
    assert (engines[1].ran, mixed.verdict, mixed.vectors[:9]) == (["item 9"], "partial(9/10)", known.vectors)
    for engine, store in zip(engines, stores, strict=True):
        await engine.stop()
        await store.close()


@pytest.mark.parametrize("first", ["float", "base64"])
async def test_C21_an_entry_serves_both_encodings(first: str) -> None:
    engine = Counting()
    path = await embeddings(engine, cache="lru")
    second = {"float": "base64", "base64": "float"}[first]
    answers = {form: (await ask(path, embed("a", encoding_format=form))) for form in (first, second)}
    assert answers[second].verdict == "hit"
    numbers = answers["float"].vectors[0]
    assert list(struct.unpack(f"<{len(numbers)}f", base64.b64decode(answers["base64"].vectors[0]))) == numbers


async def test_C21_an_entry_serves_no_other_dimensions() -> None:
    path = await embeddings(cache="lru")
    lengths = [(64, "miss"), (8, "miss"), (8, "hit"), (64, "hit")]
    for dimensions, verdict in lengths:
        asked = await ask(path, embed("a", dimensions=dimensions))
        assert (len(asked.vectors[0]), asked.verdict) == (dimensions, verdict)


async def test_an_item_has_one_entry_alone_in_a_list_and_whatever_else_the_request_says() -> None:
    engine = Counting()
    path = await embeddings(engine, cache="lru")
    await ask(path, embed("a"))
    for call in (
        embed(["a"]),
        embed("a", user="ann"),
        embed("a", model="dry-run-embedding"),
        embed("a", dimensions=64),
    ):
        assert (await ask(path, call)).verdict == "hit"
    assert engine.ran == ["a"]
    for call in (embed([97]), embed("A"), embed("a ")):
        assert (await ask(path, call)).verdict == "miss"


async def test_C8_another_caller_has_other_entries() -> None:
    path = await embeddings(cache="lru")
    await ask(path, embed("a", caller="ann"))
    verdicts = [(await ask(path, embed(["a", "b"], caller=caller))).verdict for caller in ("bob", "ann")]
    assert verdicts == ["miss", "partial(1/2)"]


async def test_usage_counts_every_item_and_tells_the_cached_ones_apart() -> None:
    path = await embeddings(cache="lru")
    first = await ask(path, embed(["one two", "three", "three"]))
    assert first.body["usage"] == {
        "prompt_tokens": 4,
        "total_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    second = await ask(path, embed(["one two", "four five six"]))
    assert second.body["usage"]["prompt_tokens"] == 5
    assert second.body["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}
    assert second.record.usage is not None
    assert second.record.usage.prompt_tokens == 5
    assert (second.record.items, second.record.cached_items) == (2, 1)


async def test_C16_what_the_client_asks_of_the_cache_holds_for_each_item() -> None:
    engine = Counting()
    path = await embeddings(engine, cache="lru", dedup="batch")
    asks = [
        (["a"], CacheControl(ttl_s=100), "miss"),
        (["a", "b"], CacheControl(), "partial(1/2)"),
        (["a", "b"], CacheControl(read=False), "bypass(no-cache)"),
        (["a", "c"], CacheControl(store=False), "bypass(no-store)"),
        (["c"], CacheControl(), "miss"),
    ]
    for inputs, control, verdict in asks:
        assert (await ask(path, replace(embed(inputs), cache_control=control))).verdict == verdict
    await asyncio.sleep(60)
    old = await ask(path, embed(["a", "b", "c"]))
    assert (old.verdict, old.record.age_s) == ("hit", pytest.approx(60, abs=1))
    fresh = await ask(path, replace(embed(["a", "b"]), cache_control=CacheControl(max_age_s=10)))
    assert (fresh.verdict, fresh.record.age_s) == ("miss", None)


async def test_a_deadline_ends_what_waits() -> None:
    engine = Counting(**SLOW, max_batch_items=1)
    path = await embeddings(engine)
    with pytest.raises(DeadlineExceeded):
        await ask(path, replace(embed(texts(*range(100))), deadline=0.1))
    await asyncio.sleep(0)
    assert asyncio.get_running_loop().time() == pytest.approx(0.1)
    assert not engine.running
    assert len(engine.ran) < 10


async def test_without_a_cache_the_answer_says_so() -> None:
    path = await embeddings()
    assert [(await ask(path, embed("a"))).verdict for _ in range(2)] == ["bypass(disabled)"] * 2


async def test_D1_equal_items_of_one_request_run_once() -> None:
    engine = Counting()
    asked = await ask(await embeddings(engine), embed(["a", "b", "a", "a"]))
    assert sorted(engine.ran) == ["a", "b"]
    assert asked.vectors[0] == asked.vectors[2] == asked.vectors[3] != asked.vectors[1]


@pytest.mark.parametrize("dedup", sorted(set(options("dedup")) - {"none"}))
async def test_D1_equal_items_in_flight_run_once(dedup: str) -> None:
    engine = Counting()
    path = await embeddings(engine, dedup=dedup, cache="lru")
    answers = await asyncio.gather(*(ask(path, embed(["a", f"{number}"])) for number in range(50)))
    assert sorted(engine.ran) == sorted(["a", *(f"{number}" for number in range(50))])
    assert len({tuple(one.vectors[0]) for one in answers}) == 1
    only = await asyncio.gather(*(ask(path, embed("z")) for _ in range(5)))
    assert [one.verdict for one in only] == ["miss"] + ["coalesced"] * 4


@pytest.mark.parametrize("dedup", sorted(set(options("dedup")) - {"none"}))
async def test_D4_the_one_that_began_leaves_and_the_others_still_get_it(dedup: str) -> None:
    engine = Counting(**SLOW)
    path = await embeddings(engine, dedup=dedup)
    leader, follower = [asyncio.create_task(ask(path, embed("a"))) for _ in range(2)]
    await asyncio.sleep(0.005)
    await leave(leader)
    assert len((await follower).vectors) == 1
    assert (engine.ran, engine.aborted) == (["a"], [])


@pytest.mark.parametrize("dedup", sorted(set(options("dedup")) - {"none"}))
async def test_D4_when_the_last_one_leaves_the_work_is_aborted_and_can_begin_anew(dedup: str) -> None:
    engine = Counting(**SLOW)
    path = await embeddings(engine, dedup=dedup)
    tasks = [asyncio.create_task(ask(path, embed("a"))) for _ in range(3)]
    await asyncio.sleep(0.005)
    for task in tasks:
        task.cancel()
    again = asyncio.create_task(ask(path, embed("a")))
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len((await again).vectors) == 1


@pytest.mark.parametrize("dedup", sorted(set(options("dedup")) - {"none"}))
async def test_D3_an_error_reaches_all_that_wait_and_the_key_is_free(dedup: str) -> None:
    engine = Counting()
    path = await embeddings(engine, dedup=dedup, cache="lru")
    for _ in range(2):
        results = await asyncio.gather(*(ask(path, embed(["fail", "a"])) for _ in range(3)), return_exceptions=True)
        assert {type(result) for result in results} == {BadRequest}
    assert engine.ran.count("fail") == 2


@every_combination
async def test_B4_one_bad_item_fails_its_own_request_and_runs_nothing(combination: tuple[str, str]) -> None:
    engine = Counting(max_model_len=5)
    path = await embeddings(engine, *combination)
    calls = [embed([f"{number}", "six words are one too many" if number == 3 else "b"]) for number in range(8)]
    results = await asyncio.gather(*(ask(path, call) for call in calls), return_exceptions=True)
    assert [isinstance(result, ApiError) for result in results] == [number == 3 for number in range(8)]
    assert "3" not in engine.ran
    assert isinstance(results[3], ApiError)
    assert results[3].message.startswith("input[1]: 6 tokens")


@every_combination
async def test_C9_what_failed_is_not_stored(combination: tuple[str, str]) -> None:
    engine = Counting()
    path = await embeddings(engine, *combination)
    for _ in range(2):
        with pytest.raises(BadRequest, match="this item fails"):
            await ask(path, embed(["fail", "a"]))
    assert engine.ran.count("fail") == 2
    assert len((await ask(path, embed("a"))).vectors) == 1


async def test_B6_S2_when_the_client_leaves_what_waits_is_dropped_and_what_runs_is_aborted() -> None:
    engine = Counting(**SLOW, max_batch_items=2)
    path = await embeddings(engine)
    task = asyncio.create_task(ask(path, embed(texts(*range(100)))))
    await asyncio.sleep(0.001)
    await leave(task)
    await asyncio.sleep(0)
    assert sorted(engine.aborted) == sorted(engine.ran) == texts(0, 1)
    assert not engine.running
    asked = await ask(path, embed("after"))
    assert len(asked.vectors) == 1


async def test_B6_nothing_is_kept_of_what_left_behind_one_that_waits() -> None:
    """The engine hangs, one item waits for it, and clients come and go."""
    path = await embeddings(Counting(step_ms=1e9, max_batch_items=1))
    blocking = asyncio.create_task(ask(path, embed(texts(0, 1))))
    await asyncio.sleep(1)
    for number in range(10):
        task = asyncio.create_task(ask(path, embed([f"{number} {item}" for item in range(100)])))
        await asyncio.sleep(1)
        await leave(task)
    await asyncio.sleep(0)
    assert len(path._queue._line) == 1
    await leave(blocking)
    await path.embedding.stop()


async def test_O2_every_gauge_is_zero_after_requests_of_every_end() -> None:
    class Gauge(Observer):
        waiting = 0

        def items_waiting(self, change: int) -> None:
            self.waiting += change
            assert self.waiting >= 0

    gauge = Gauge()
    path = await embeddings(Counting(**SLOW, max_batch_items=3, max_waiting_items=60), "lru", "batch", gauge)
    made: list[Any] = [embed([*texts(*range(n % 7)), "fail" if n % 5 == 0 else "b", f"{n}"]) for n in range(60)]
    tasks = [asyncio.create_task(ask(path, call)) for call in made]
    for number, task in enumerate(tasks):
        if number % 3 == 0:
            asyncio.get_running_loop().call_later(0.003 * number, task.cancel)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    kinds = {type(result).__name__ for result in results}
    assert kinds == {"Embedded", "CancelledError", "BadRequest", "ApiError"}
    await asyncio.sleep(0)
    assert gauge.waiting == 0
    assert not path._flights._tasks
    assert not path._flights._waiters
    assert not path._queue._running


async def test_nothing_is_answered_before_it_is_ready() -> None:
    path = await embeddings()
    await path.embedding.stop()
    with pytest.raises(NotReady):
        await ask(path, embed("a"))
