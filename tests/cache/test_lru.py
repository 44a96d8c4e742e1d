from tests.cache.kept import ANSWER, keys_of
from tests.components import build


async def test_the_least_recently_used_goes_first() -> None:
    cache = build("cache", "lru", maxsize=3)
    for key in (b"a", b"b", b"c"):
        await cache.put(key, ANSWER)
    await cache.get(b"a")
    await cache.put(b"d", ANSWER)
    assert await keys_of(cache, b"a", b"b", b"c", b"d") == {b"a", b"c", b"d"}


async def test_putting_again_is_a_use() -> None:
    cache = build("cache", "lru", maxsize=2)
    for key in (b"a", b"b", b"a", b"c"):
        await cache.put(key, ANSWER)
    assert await keys_of(cache, b"a", b"b", b"c") == {b"a", b"c"}


async def test_asking_for_what_is_not_there_drops_nothing() -> None:
    cache = build("cache", "lru", maxsize=2)
    await cache.put(b"a", ANSWER)
    for number in range(10):
        assert await cache.get(b"%d" % number) is None
    assert await keys_of(cache, b"a") == {b"a"}


async def test_the_size_is_the_configured_one() -> None:
    cache = build("cache", "lru")
    for number in range(1500):
        await cache.put(b"%d" % number, ANSWER)
    assert len(cache) == 1000
