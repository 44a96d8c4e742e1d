"""What holds of every response cache, whichever option of `conf/cache` it is."""

import asyncio
import dataclasses
import re
import uuid
from typing import Any

import pytest

from tests.cache.kept import ANSWER, answer, keys_of
from tests.calls import call_of, chat
from tests.components import WITH_IO, any_option, build, options
from vgate.cache.base import Cache
from vgate.cache.key import Sharing
from vgate.types import CacheControl

# Of ages; a store with a clock of its own counts whole milliseconds.
ERROR_S = 0.005
DEFAULTS = {"temperature": 1.0}
# Those that keep anything at all; `none` refuses even what is sure to repeat.
KEEPING = [option for option in options("cache") if build("cache", option).refuses(chat(), DEFAULTS) is None]
IN_MEMORY = [option for option in KEEPING if ("cache", option) not in WITH_IO]


@pytest.fixture(params=any_option("cache"))
def cache(request: pytest.FixtureRequest) -> Any:
    return cache_of(request)


@pytest.fixture(params=[option for option in any_option("cache") if option != "none"])
def keeping(request: pytest.FixtureRequest) -> Any:
    return cache_of(request)


def cache_of(request: pytest.FixtureRequest, **changes: Any) -> Any:
    """The option that the test is for; a Redis is asked to take longer than a noisy machine needs."""
    if request.param == "redis":
        changes |= {"url": request.getfixturevalue("redis_url"), "prefix": f"{uuid.uuid4()}:", "timeout_ms": 5000}
    return build("cache", request.param, maxsize=4, **changes)


@pytest.fixture
def second(request: pytest.FixtureRequest) -> float:
    """A second in virtual time, a shorter one where a test has to wait for it."""
    return 0.1 if request.node.get_closest_marker("real_time") else 1.0


def test_a_refusal_is_one_word_for_the_header(cache: Cache) -> None:
    for call in (chat(), chat(caller=""), chat(temperature=1.0), chat(seed=1), call_of({"input": "a"}, "embeddings")):
        why = cache.refuses(call, DEFAULTS)
        assert why is None or re.fullmatch(r"[a-z][a-z-]*", why)


def test_C10_C11_what_is_sampled_is_refused_by_default(cache: Cache) -> None:
    assert cache.refuses(chat(temperature=0.7), {}) is not None
    assert cache.refuses(call_of({"messages": []}, "chat"), DEFAULTS) is not None


async def test_an_unknown_key_is_no_answer(cache: Cache) -> None:
    assert await cache.get(b"never put") is None


async def test_C12_what_comes_out_is_what_was_put_in(keeping: Cache) -> None:
    await keeping.put(b"k", answer("1", b"a", b"b"))
    assert await keeping.get(b"k") == answer("1", b"a", b"b")


async def test_C18_a_stored_answer_cannot_be_changed(keeping: Cache) -> None:
    await keeping.put(b"k", answer("1", b"a"))
    got: Any = await keeping.get(b"k")
    with pytest.raises(AttributeError):
        got.id = "2"
    with pytest.raises(AttributeError):
        got.events[0].data = b"b"
    with pytest.raises(TypeError):
        got.events[0] = got.events[1]
    assert await keeping.get(b"k") == answer("1", b"a")


async def test_C18_changing_a_request_after_its_key_was_made_changes_nothing(keeping: Cache) -> None:
    call = chat("hello")
    await keeping.put(keeping.key(call, "model"), answer(call.id, b"a"))
    call.body["messages"][0]["content"] = "good bye"
    assert await keeping.get(keeping.key(call, "model")) is None
    assert await keeping.get(keeping.key(chat("hello"), "model")) == answer(call.id, b"a")


async def test_the_last_answer_put_counts(keeping: Cache) -> None:
    await keeping.put(b"k", answer("1", b"a"))
    await keeping.put(b"k", answer("2", b"b"))
    assert await keeping.get(b"k") == answer("2", b"b")
    assert [entry.key for entry in await keeping.entries()] == [b"k"]


async def test_clear_forgets_everything(cache: Cache) -> None:
    for number in range(3):
        await cache.put(b"%d" % number, answer("1", b"a"))
    await cache.clear()
    assert (len(cache), await cache.entries()) == (0, [])
    assert [await cache.get(b"%d" % number) for number in range(3)] == [None] * 3


@pytest.mark.parametrize("option", ["none", *IN_MEMORY])
async def test_C17_it_never_holds_more_entries_than_its_size(option: str) -> None:
    cache = build("cache", option, maxsize=4)
    for number in range(1000):
        await cache.put(b"%d" % number, answer("1", b"a"))
        assert len(cache) <= 4


@pytest.mark.parametrize("option", IN_MEMORY)
async def test_C17_it_never_holds_more_bytes_than_its_size(option: str) -> None:
    cache = build("cache", option, max_bytes=50_000)
    for number in range(1000):
        await cache.put(b"%d" % number, answer("1", b"a" * (number * 37 % 20_000)))
        assert cache.held.bytes <= 50_000
        assert cache.held.bytes == sum(entry.bytes for entry in await cache.entries())
    assert cache.held.bytes > 15_000


@pytest.mark.parametrize("option", IN_MEMORY)
async def test_C17_what_is_larger_than_all_the_room_is_not_stored_and_drops_nothing_else(option: str) -> None:
    cache = build("cache", option, max_bytes=50_000)
    for key in (b"small", b"same"):
        await cache.put(key, ANSWER)
    for key in (b"large", b"same"):
        await cache.put(key, answer("1", b"a" * 50_000))
    assert await keys_of(cache, b"small", b"large", b"same") == {b"small"}
    assert (cache.too_large, cache.evicted) == (2, 0)


@pytest.mark.parametrize("option", IN_MEMORY)
async def test_C17_what_is_dropped_for_others_is_counted(option: str) -> None:
    cache = build("cache", option, maxsize=4)
    for number in range(10):
        await cache.put(b"%d" % number, ANSWER)
        await cache.put(b"%d" % number, ANSWER)
    assert (len(cache), cache.evicted) == (4, 6 if option != "tinylfu" else cache.evicted)
    assert cache.evicted >= 6


async def test_an_answer_says_how_old_it_is(keeping: Cache, second: float) -> None:
    clock = asyncio.get_running_loop()
    before = clock.time()
    await keeping.put(b"k", ANSWER)
    await asyncio.sleep(7 * second)
    got = await keeping.get(b"k")
    assert got is not None
    assert 7 * second - ERROR_S <= got.age_s <= clock.time() - before + ERROR_S


async def test_C16_an_answer_older_than_the_caller_wants_is_no_answer_and_stays(keeping: Cache, second: float) -> None:
    await keeping.put(b"k", ANSWER)
    await asyncio.sleep(7 * second)
    assert await keeping.get(b"k", max_age_s=6 * second) is None
    assert await keeping.get(b"k", max_age_s=1000 * second) == ANSWER


async def test_C16_an_answer_is_kept_for_as_long_as_the_caller_says(keeping: Cache, second: float) -> None:
    await keeping.put(b"k", ANSWER, ttl_s=5 * second)
    assert await keeping.get(b"k") == ANSWER
    await asyncio.sleep(5.5 * second)
    assert await keeping.get(b"k") is None
    assert await keeping.entry(b"k") is None
    assert await keeping.entries() == []


async def test_the_last_put_also_decides_for_how_long(keeping: Cache, second: float) -> None:
    await keeping.put(b"k", ANSWER, ttl_s=2 * second)
    await keeping.put(b"k", ANSWER, ttl_s=1000 * second)
    await asyncio.sleep(4 * second)
    assert await keeping.get(b"k") == ANSWER


async def test_entries_are_listed_by_age(keeping: Cache, second: float) -> None:
    for key in (b"first", b"second", b"third"):
        await keeping.put(key, ANSWER)
        await asyncio.sleep(second)
    await keeping.put(b"first", ANSWER)
    entries = await keeping.entries()
    assert [entry.key for entry in entries] == [b"second", b"third", b"first"]
    assert [entry.key for entry in await keeping.entries(limit=2)] == [b"second", b"third"]
    assert all(entry.bytes >= 1 for entry in entries)
    assert entries[0].age_s >= 2 * second - ERROR_S
    one = await keeping.entry(b"second")
    assert one is not None
    assert (one.key, one.bytes) == (entries[0].key, entries[0].bytes)


async def test_listing_changes_nothing(keeping: Cache) -> None:
    """It is no use, so it does not decide what goes first."""
    for key in (b"a", b"b", b"c", b"d"):
        await keeping.put(key, ANSWER)
    for _ in range(5):
        await keeping.entries()
        await keeping.entry(b"a")
    assert {entry.hits for entry in await keeping.entries()} <= {0, None}
    await keeping.get(b"a")
    assert {entry.hits for entry in await keeping.entries() if entry.key == b"a"} <= {1, None}


async def test_C24_one_answer_can_be_deleted(keeping: Cache) -> None:
    for key in (b"good", b"bad"):
        await keeping.put(key, ANSWER)
    assert await keeping.delete(b"bad")
    assert not await keeping.delete(b"bad")
    assert await keys_of(keeping, b"good", b"bad") == {b"good"}


async def test_C16_no_store_is_refused(cache: Cache) -> None:
    call = dataclasses.replace(chat(), cache_control=CacheControl(read=False, store=False))
    assert cache.refuses(call, DEFAULTS) in ("no-store", "disabled")


async def test_closing_twice_does_no_harm(cache: Cache) -> None:
    await cache.close()
    await cache.close()


async def test_many_at_once_never_mix_up_answers(cache: Cache) -> None:
    async def use(number: int) -> None:
        key = b"%d" % (number % 7)
        await cache.put(key, answer(str(number % 7), key))
        await asyncio.sleep(0)
        assert await cache.get(key) in (answer(str(number % 7), key), None)

    await asyncio.gather(*(use(number) for number in range(200)))


@pytest.mark.parametrize("scope", ["key", "shared"])
@pytest.mark.parametrize("option", KEEPING)
def test_C8_D7_keys_are_those_of_dedup_and_know_whose_they_are(option: str, scope: Any) -> None:
    """One meaning of "the same request" for cache and dedup; across callers only where the scope is shared."""
    cache = build("cache", option, scope=scope)
    mine, also_mine, theirs = chat(caller="a"), chat(caller="a"), chat(caller="b")
    assert cache.key(mine, "model") == cache.key(also_mine, "model")
    assert (cache.key(mine, "model") == cache.key(theirs, "model")) == (scope == "shared")
    assert cache.key(mine, "model") == Sharing(scope, sampled=False).key(mine, "model")


@pytest.mark.parametrize("option", IN_MEMORY)
async def test_two_caches_share_nothing(option: str) -> None:
    one, other = build("cache", option), build("cache", option)
    await one.put(b"k", answer("1", b"a"))
    assert await other.get(b"k") is None
