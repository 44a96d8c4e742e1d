import asyncio

from tests.cache.kept import ANSWER, keys_of
from tests.components import build


async def test_an_answer_is_there_until_its_time_is_over() -> None:
    cache = build("cache", "ttl", ttl_s=60)
    await cache.put(b"a", ANSWER)
    await asyncio.sleep(59.9)
    assert await cache.get(b"a") == ANSWER
    await asyncio.sleep(0.2)
    assert await cache.get(b"a") is None
    assert len(cache) == 0


async def test_asking_does_not_lengthen_its_time_and_putting_again_does() -> None:
    cache = build("cache", "ttl", ttl_s=60)
    for key in (b"a", b"b"):
        await cache.put(key, ANSWER)
    await asyncio.sleep(40)
    await cache.get(b"a")
    await cache.put(b"b", ANSWER)
    await asyncio.sleep(40)
    assert await keys_of(cache, b"a", b"b") == {b"b"}


async def test_C16_nobody_keeps_an_answer_for_longer_than_the_policy() -> None:
    cache = build("cache", "ttl", ttl_s=60)
    await cache.put(b"longer", ANSWER, ttl_s=3600)
    await cache.put(b"shorter", ANSWER, ttl_s=10)
    await asyncio.sleep(11)
    assert await keys_of(cache, b"longer", b"shorter") == {b"longer"}
    await asyncio.sleep(50)
    assert await keys_of(cache, b"longer", b"shorter") == set()


async def test_the_expired_make_room_before_those_that_are_in_use() -> None:
    cache = build("cache", "ttl", ttl_s=60, maxsize=2)
    await cache.put(b"short", ANSWER, ttl_s=5)
    await cache.put(b"long", ANSWER)
    await cache.get(b"short")
    await asyncio.sleep(6)
    await cache.put(b"new", ANSWER)
    assert await keys_of(cache, b"long", b"new") == {b"long", b"new"}
    assert cache.evicted == 0


async def test_else_the_least_recently_used_goes_first() -> None:
    cache = build("cache", "ttl", maxsize=2)
    for key in (b"a", b"b"):
        await cache.put(key, ANSWER)
    await cache.get(b"a")
    await cache.put(b"c", ANSWER)
    assert await keys_of(cache, b"a", b"b", b"c") == {b"a", b"c"}
