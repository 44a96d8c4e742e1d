import random
from collections.abc import Iterable

from tests.cache.kept import ANSWER, answer, keys_of
from tests.components import build


async def hits(option: str, keys: Iterable[bytes], wanted: bytes = b"") -> int:
    """How many of these questions, in this order, were answered from a cache of 100; only `wanted` ones count."""
    cache, found = build("cache", option, maxsize=100), 0
    for key in keys:
        if await cache.get(key) is None:
            await cache.put(key, ANSWER)
        else:
            found += key.startswith(wanted)
    return found


async def test_a_flood_of_questions_asked_once_pushes_little_out() -> None:
    """Three in ten questions are among 50 popular ones, the others are asked once: lru loses half of them."""
    draw = random.Random(1)
    keys = [b"popular %d" % draw.randrange(50) if draw.random() < 0.3 else b"%d" % n for n in range(20_000)]
    popular = sum(key.startswith(b"popular") for key in keys)
    assert await hits("tinylfu", keys, b"popular") > 0.9 * popular
    assert await hits("lru", keys, b"popular") < 0.6 * popular


async def test_more_hits_than_lru_where_few_questions_are_frequent() -> None:
    draw = random.Random(7)
    keys = [b"%d" % int(draw.paretovariate(0.3)) for _ in range(20_000)]
    assert await hits("tinylfu", keys) > 1.05 * await hits("lru", keys)


async def test_a_new_fashion_comes_in_and_an_old_one_goes() -> None:
    """Counts fade; with lfu the old fashion would keep its place for ever."""
    kept = {}
    for option in ("tinylfu", "lfu"):
        cache = build("cache", option, maxsize=100)
        for key in (b"%s %d" % (fashion, number % 80) for fashion in (b"old", b"new") for number in range(10_000)):
            if await cache.get(key) is None:
                await cache.put(key, ANSWER)
        kept[option] = len(await keys_of(cache, *(b"new %d" % number for number in range(80))))
    assert kept["tinylfu"] >= 70
    assert kept["lfu"] <= 20


async def test_both_bounds_hold_at_once() -> None:
    cache = build("cache", "tinylfu", maxsize=7, max_bytes=100_000)
    for number in range(500):
        await cache.put(b"%d" % number, answer("1", b"x" * (number * 37 % 30_000)))
        assert cache.held.entries <= 7
        assert cache.held.bytes <= 100_000
        assert cache.held.bytes == sum(entry.bytes for entry in await cache.entries())


async def test_all_of_its_size_can_be_used() -> None:
    for maxsize, max_bytes in ((1000, 2**28), (3, 10_000), (1, 2**34)):
        cache = build("cache", "tinylfu", maxsize=maxsize, max_bytes=max_bytes)
        for number in range(2 * maxsize):
            await cache.put(b"%d" % number, ANSWER)
        assert len(cache) == maxsize
