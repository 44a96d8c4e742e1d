"""C19: a cache that fails, hangs or is slow costs a request a miss, and no more than its budget."""

import asyncio
from typing import Any

import pytest

from tests.cache.kept import ANSWER, answer
from tests.calls import ask, ask_all, chat
from tests.components import build, options, virtual_options
from tests.gateways import Heard
from tests.scripted import Scripted
from vgate.cache.base import CacheRefusal
from vgate.cache.guarded import Guarded
from vgate.cache.lru import LruCache
from vgate.gateway import Gateway
from vgate.types import Answer

KEEPING = [option for option in virtual_options("cache") if option != "none"]


class Far(LruCache):
    """An lru behind a wire: slow, hung or broken as a test wants it."""

    waits = True

    def __init__(self) -> None:
        super().__init__(100, 2**20, "key", sampled=False)
        self.delay_s = 0.0
        self.error: Exception | None = None
        self.asked = 0
        self.closed = False

    async def _wire(self) -> None:
        self.asked += 1
        await asyncio.sleep(self.delay_s)
        if self.error:
            raise self.error

    async def get(self, key: bytes, max_age_s: float | None = None) -> Answer | None:
        await self._wire()
        return await super().get(key, max_age_s)

    async def put(self, key: bytes, answer: Answer, ttl_s: float | None = None) -> None:
        await self._wire()
        await super().put(key, answer, ttl_s)

    async def close(self) -> None:
        self.closed = True


def behind(cache: Any, **parts: Any) -> tuple[Gateway, Heard, Scripted]:
    engine, heard = Scripted(), Heard()
    dedup = build("dedup", parts.get("dedup", "none"))
    batch = build("batch", parts.get("batch", "passthrough"), max_batch_size=1, capacity=engine.capacity)
    return Gateway(engine, batch, cache, dedup, heard), heard, engine


@pytest.mark.parametrize("option", KEEPING)
@pytest.mark.parametrize("how", ["raises", "hangs"])
async def test_C19_whatever_the_policy_a_failure_is_a_miss_within_the_budget(
    option: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = build("cache", option)

    async def fail(*_args: Any) -> None:
        if how == "raises":
            raise RuntimeError("broken")
        await asyncio.sleep(3600)

    monkeypatch.setattr(cache, "get", fail)
    monkeypatch.setattr(cache, "put", fail)
    gateway, heard, _ = behind(cache)
    done = await ask(gateway, chat("same", stream=True))
    assert (done.record.cache, done.text) == ("miss", "same 1 2")
    assert done.record.first_token == pytest.approx(0.1 + (cache.budget_s if how == "hangs" else 0))
    await gateway.close()
    assert heard.cache_failures[0] == "get"


async def test_C19_a_dead_store_does_not_cost_every_request_the_budget() -> None:
    cache = Far()
    cache.delay_s = 3600
    gateway, heard, engine = behind(cache)
    for number in range(20):
        await ask(gateway, chat(f"{number}"))
    waited = asyncio.get_running_loop().time() - 20 * 0.12
    assert len(engine.ended) == 20
    assert len(heard.cache_failures) == cache.asked <= 6
    assert waited <= 5 * cache.budget_s + 0.01


async def test_C19_requests_that_fail_together_make_one_pause() -> None:
    cache = Far()
    cache.error = ConnectionError("down")
    gateway, _, _ = behind(cache)
    await ask_all(gateway, [chat(f"{number}") for number in range(50)])
    cache.error = None
    await asyncio.sleep(0.5)
    await ask(gateway, chat("same"))
    assert (await ask(gateway, chat("same"))).record.cache == "hit"


async def test_C19_one_bad_entry_stops_nobody_else() -> None:
    cache = Far()
    guarded = Guarded(cache, heard := Heard())
    await guarded.put(b"good", ANSWER)
    await asyncio.sleep(0.01)
    cache.error = CacheRefusal("not ours")
    assert await guarded.get(b"bad") is None
    cache.error = None
    assert await guarded.get(b"good") == ANSWER
    assert heard.cache_failures == ["get"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_slow_store_holds_back_neither_the_last_event_nor_the_place_in_the_batch(stream: bool) -> None:
    cache = Far()
    cache.delay_s = 0.09
    gateway, _, _ = behind(cache, batch="lockstep")
    asked = await ask_all(gateway, [chat("one", stream=stream), chat("two", stream=stream)])
    assert [done.record.cache for done in asked] == ["miss", "miss"]
    assert asyncio.get_running_loop().time() == pytest.approx(0.09 + 2 * 0.12)
    assert len(cache) == 1  # the second is on its way
    await gateway.close()
    assert len(cache) == 2


@pytest.mark.parametrize("dedup", options("dedup"))
async def test_D8_between_the_answer_and_its_arrival_in_the_store_there_is_no_second_generation(dedup: str) -> None:
    cache = Far()
    cache.delay_s = 0.05
    gateway, _, engine = behind(cache, dedup=dedup)
    first = await ask(gateway, chat("same"))
    again = await ask(gateway, chat("same"))
    assert (first.record.cache, again.record.cache, len(engine.ended)) == ("miss", "hit", 1)


async def test_answers_on_their_way_to_a_store_are_bounded() -> None:
    """A thousand may wait; each has the whole budget from when it is its turn."""
    guarded = Guarded(cache := Far(), heard := Heard())
    cache.delay_s = 0.09
    for number in range(1036):
        await guarded.put(b"%d" % number, ANSWER)
    await guarded.close()
    assert cache.asked == 1000
    assert heard.cache_failures == ["put"] * 36
    assert cache.closed


async def test_what_is_cleared_while_it_is_on_its_way_does_not_come_back() -> None:
    guarded = Guarded(cache := Far(), Heard())
    cache.delay_s = 0.01
    await guarded.put(b"k", ANSWER)
    await guarded.clear()
    assert (len(cache), await guarded.get(b"k")) == (0, None)


async def test_what_had_to_go_and_what_was_too_large_are_told() -> None:
    guarded = Guarded(build("cache", "lru", maxsize=2, max_bytes=10_000), heard := Heard())
    for number in range(5):
        await guarded.put(b"%d" % number, ANSWER)
    await guarded.put(b"large", answer("1", b"x" * 10_000))
    assert heard.cache_drops == [("evicted", 1)] * 3 + [("too_large", 1)]


async def test_an_operator_is_told_what_is_wrong() -> None:
    guarded = Guarded(Far(), Heard())
    guarded.inner.clear = guarded.inner.entries = _broken  # type: ignore[method-assign]
    for ask_for in (guarded.clear, guarded.entries):
        with pytest.raises(ConnectionError):
            await ask_for()


async def _broken(*_args: Any) -> Any:
    raise ConnectionError("down")
