from tests.cache.kept import ANSWER, keys_of
from tests.components import build


async def test_the_least_frequently_used_goes_first() -> None:
    cache = build("cache", "lfu", maxsize=3)
    for key in (b"a", b"b", b"c"):
        await cache.put(key, ANSWER)
    for key in (b"a", b"a", b"b", b"a", b"c", b"c"):
        await cache.get(key)
    await cache.put(b"d", ANSWER)
    assert await keys_of(cache, b"a", b"b", b"c", b"d") == {b"a", b"c", b"d"}


async def test_putting_again_does_not_forget_the_uses() -> None:
    """An answer made anew, as by `no-cache`, is still the one that everybody asks for."""
    cache = build("cache", "lfu", maxsize=2)
    await cache.put(b"a", ANSWER)
    for _ in range(3):
        await cache.get(b"a")
    await cache.put(b"a", ANSWER)
    for key in (b"b", b"c"):
        await cache.put(key, ANSWER)
        await cache.get(key)
    assert await keys_of(cache, b"a", b"b", b"c") == {b"a", b"c"}


async def test_what_was_popular_once_stays() -> None:
    """The policy's known weakness, which tinylfu does not share."""
    cache = build("cache", "lfu", maxsize=2)
    await cache.put(b"old", ANSWER)
    for _ in range(100):
        await cache.get(b"old")
    for number in range(50):
        await cache.put(b"%d" % number, ANSWER)
        for _ in range(10):
            await cache.get(b"%d" % number)
    assert await keys_of(cache, b"old") == {b"old"}
