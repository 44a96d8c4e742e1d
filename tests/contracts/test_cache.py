"""What holds of every response cache, whichever option of `conf/cache` it is."""

import asyncio
import re
from typing import Any

import pytest

from tests.calls import call_of, chat
from tests.components import build, options
from vgate.cache.base import Cache
from vgate.cache.key import Sharing
from vgate.types import Answer, Event, Usage

DEFAULTS = {"temperature": 1.0}
# Those that keep anything at all; `none` refuses even what is sure to repeat.
KEEPING = [option for option in options("cache") if build("cache", option).refuses(chat(), DEFAULTS) is None]


@pytest.fixture(params=options("cache"))
def cache(request: pytest.FixtureRequest) -> Any:
    return build("cache", request.param, maxsize=4)


@pytest.fixture(params=KEEPING)
def keeping(request: pytest.FixtureRequest) -> Any:
    return build("cache", request.param, maxsize=4)


def answer(call_id: str, *texts: bytes) -> Answer:
    events = [Event(text, content=True) for text in texts]
    return Answer(call_id, (*events, Event(b"data: [DONE]\n\n", usage=Usage(1, len(texts)))))


def test_a_refusal_is_one_word_for_the_header(cache: Cache) -> None:
    for call in (chat(), chat(temperature=1.0), chat(seed=1), call_of({"input": "a"}, "embeddings")):
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
    assert len(keeping) == 1


async def test_clear_forgets_everything(cache: Cache) -> None:
    for number in range(3):
        await cache.put(b"%d" % number, answer("1", b"a"))
    await cache.clear()
    assert len(cache) == 0
    assert [await cache.get(b"%d" % number) for number in range(3)] == [None] * 3


async def test_C17_it_never_holds_more_entries_than_its_size(cache: Cache) -> None:
    for number in range(1000):
        await cache.put(b"%d" % number, answer("1", b"a"))
        assert len(cache) <= 4


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


@pytest.mark.parametrize("option", KEEPING)
async def test_two_caches_share_nothing(option: str) -> None:
    one, other = build("cache", option), build("cache", option)
    await one.put(b"k", answer("1", b"a"))
    assert await other.get(b"k") is None
