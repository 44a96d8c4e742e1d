"""What holds of every store of limits, whichever option of `conf/limits` it is."""

import asyncio
import random
from typing import Any

import pytest

from tests.components import any_option
from tests.limits.oracle import most_in_a_window
from tests.limits.rigs import WINDOW_S, rig
from vgate.limits.base import Level, Limits
from vgate.limits.window import EXACT

every_store = pytest.mark.parametrize("option", any_option("limits"))


@every_store
async def test_R2_of_a_thousand_at_once_exactly_the_limit_passes(option: str, redis_url: str) -> None:
    async with rig(option, redis_url, count=4) as rigged:
        limits = Limits(WINDOW_S, requests=10)
        asked = [rigged.stores[number % 4].enter("a", limits, 0) for number in range(1000)]
        standings = await asyncio.gather(*asked)
        passed = [standing for standing in standings if not standing.refused]
        assert sorted(s.requests.left for s in passed if s.requests) == list(range(10))
        assert {s.refused for s in standings if s.refused} == {"requests"}


@every_store
async def test_R2_of_tokens_and_slots_too(option: str, redis_url: str) -> None:
    async with rig(option, redis_url) as rigged:
        for name, limits, passes in (
            ("t", Limits(WINDOW_S, tokens=103), 10),
            ("c", Limits(WINDOW_S, None, None, 7), 7),
        ):
            asked = [rigged.enter(limits, 10, name) for _ in range(100)]
            assert sum(not standing.refused for standing in await asyncio.gather(*asked)) == passes


@every_store
async def test_R1_what_was_let_in_counts_for_a_window(option: str, redis_url: str) -> None:
    async with rig(option, redis_url) as rigged:
        limits = Limits(WINDOW_S, requests=3)
        assert await rigged.passed(1, limits) == 1
        await rigged.advance(30)
        assert await rigged.passed(4, limits) == 2
        await rigged.advance(29)
        assert await rigged.passed(2, limits) == 0
        await rigged.advance(1)
        assert await rigged.passed(3, limits) == 1
        await rigged.advance(30)
        assert await rigged.passed(5, limits) == 2


@every_store
@pytest.mark.parametrize("refused", ["requests", "tokens", "concurrency"])
async def test_R4_a_refusal_consumes_nothing(option: str, redis_url: str, refused: str) -> None:
    """Neither of the limit that refuses nor of the others."""
    most = {"requests": 5, "tokens": 50, "concurrency": 5}
    limits = Limits(WINDOW_S, **most | {refused: most[refused] // 5})
    async with rig(option, redis_url) as rigged:
        held = await rigged.enter(limits, 10)
        assert [(await rigged.enter(limits, 10)).refused for _ in range(20)] == [refused] * 20
        now = await rigged.store.look("a", limits)
        assert (now.requests and now.requests.left) == (limits.requests or 0) - 1
        assert (now.tokens and now.tokens.left) == (limits.tokens or 0) - 10
        await rigged.store.settle(held.place, 10)
        await rigged.advance(WINDOW_S)
        assert await rigged.passed(1, limits, 10) == 1


@every_store
async def test_R4_who_keeps_knocking_gets_in_as_soon_as_who_waits(option: str, redis_url: str) -> None:
    async with rig(option, redis_url) as rigged:
        limits = Limits(WINDOW_S, requests=2)
        found = []
        for _ in range(25):
            found.append(await rigged.passed(1, limits))
            await rigged.advance(5.0)
        assert found == [1, 1, *[0] * 10] * 2 + [1]


@every_store
async def test_R5_a_slot_comes_back_once(option: str, redis_url: str) -> None:
    async with rig(option, redis_url) as rigged:
        limits = Limits(WINDOW_S, concurrency=2)
        first, second = [await rigged.enter(limits) for _ in range(2)]
        assert (await rigged.enter(limits)).refused == "concurrency"
        await rigged.store.settle(first.place, None)
        await rigged.store.settle(first.place, 5)
        assert await rigged.passed(2, limits) == 1
        await rigged.store.settle(second.place, 0)
        assert await rigged.passed(2, limits) == 1


@every_store
@pytest.mark.parametrize(("real", "left"), [(0, 100), (7, 93), (40, 60), (55, 45), (140, 0)])
async def test_R6_tokens_are_reserved_and_then_set_right(option: str, redis_url: str, real: int, left: int) -> None:
    async with rig(option, redis_url) as rigged:
        limits = Limits(WINDOW_S, tokens=100)
        standing = await rigged.enter(limits, 40)
        assert standing.tokens is not None
        assert standing.tokens.left == 60
        assert (await rigged.enter(limits, 61)).refused == "tokens"
        await rigged.store.settle(standing.place, real)
        now = await rigged.store.look("a", limits)
        assert now.tokens is not None
        assert now.tokens.left == left
        await rigged.advance(WINDOW_S)
        assert await rigged.store.look("a", limits) == (None, Level(100, 100, 0.0), "", 0.0, None, "")


@every_store
async def test_R6_what_is_not_known_yet_stays_reserved(option: str, redis_url: str) -> None:
    async with rig(option, redis_url) as rigged:
        limits = Limits(WINDOW_S, tokens=100, concurrency=1)
        standing = await rigged.enter(limits, 100)
        await rigged.store.settle(standing.place, None)
        assert (await rigged.enter(limits, 1)).refused == "tokens"
        await rigged.store.settle(standing.place, 30)
        assert not (await rigged.enter(limits, 70)).refused


@every_store
async def test_R6_settled_after_its_window_it_changes_nothing(option: str, redis_url: str) -> None:
    """Nor does it touch what was taken since, in the place where its entry was."""
    async with rig(option, redis_url) as rigged:
        limits = Limits(WINDOW_S, tokens=100)
        old = await rigged.enter(limits, 50)
        await rigged.advance(WINDOW_S)
        await rigged.enter(limits, 80)
        await rigged.store.settle(old.place, 0)
        assert [(await rigged.enter(limits, tokens)).refused for tokens in (21, 20)] == ["tokens", ""]


@every_store
async def test_R8_waiting_as_long_as_told_is_enough_and_a_second_less_is_not(option: str, redis_url: str) -> None:
    async with rig(option, redis_url) as rigged:
        limits = Limits(WINDOW_S, requests=20, tokens=100)
        for pause, tokens in ((2.0, 20), (11.0, 30), (9.0, 40)):
            await rigged.enter(limits, tokens)
            await rigged.advance(pause)
        refused = await rigged.enter(limits, 60)
        assert refused.refused == "tokens"
        assert refused.wait_s == pytest.approx(60 - 20, abs=2)
        await rigged.advance(refused.wait_s - 1.5)
        assert await rigged.passed(1, limits, 60) == 0
        await rigged.advance(1.5)
        assert await rigged.passed(1, limits, 60) == 1


@every_store
async def test_each_key_has_its_own(option: str, redis_url: str) -> None:
    async with rig(option, redis_url) as rigged:
        limits = Limits(WINDOW_S, requests=3, concurrency=10)
        assert [await rigged.passed(5, limits, name=name) for name in ("a", "b", "a", "}{:")] == [3, 3, 0, 3]


@every_store
async def test_what_is_not_limited_is_not_counted(option: str, redis_url: str) -> None:
    async with rig(option, redis_url) as rigged:
        assert await rigged.passed(50, Limits(WINDOW_S), 10**9) == 50
        assert await rigged.passed(3, Limits(WINDOW_S, requests=2), 10**9) == 2


@every_store
async def test_R13_a_limit_that_changes_counts_what_was_used(option: str, redis_url: str) -> None:
    async with rig(option, redis_url) as rigged:
        assert await rigged.passed(4, Limits(WINDOW_S, requests=4)) == 4
        assert await rigged.passed(9, Limits(WINDOW_S, requests=7)) == 3
        assert await rigged.passed(9, Limits(WINDOW_S, requests=2)) == 0
        await rigged.advance(30)
        assert await rigged.passed(9, Limits(20.0, requests=2)) == 2


@every_store
async def test_R1_R6_random_arrivals_in_bounded_memory(option: str, redis_url: str) -> None:
    """Far more than are kept each for itself: never too many, and hardly too few."""
    order, now = random.Random(5), 0.0
    limits = Limits(WINDOW_S, requests=600, tokens=6000)
    admitted: list[tuple[float, int]] = []
    async with rig(option, redis_url) as rigged:
        for _ in range(3000):
            tokens = order.randint(1, 19)
            if not (await rigged.enter(limits, tokens)).refused:
                admitted.append((now, tokens))
            gap = order.choice([0.01, 0.02, 0.05, 0.3])
            await rigged.advance(gap)
            now += gap
    # In Redis time passes beside that which is let pass, so there its windows are a little longer than they look here.
    assert most_in_a_window([(at, 1) for at, _ in admitted], WINDOW_S - 5 * (option == "redis")) <= 600
    assert most_in_a_window(admitted, WINDOW_S - 5 * (option == "redis")) <= 6000
    full_windows = now / WINDOW_S
    assert len(admitted) >= 0.97 * 600 * int(full_windows)


@every_store
async def test_R13_a_window_that_becomes_longer_counts_what_was_used_before(option: str, redis_url: str) -> None:
    """Also of a key that nobody has used since, when others are."""
    short, long = Limits(WINDOW_S, requests=2), Limits(60 * WINDOW_S, requests=2)
    async with rig(option, redis_url) as rigged:
        for _ in range(2):
            await rigged.store.settle((await rigged.enter(short)).place, 0)
        await rigged.advance(WINDOW_S + 1)
        await rigged.enter(long, name="b")
        refused = await rigged.enter(long)
        assert (refused.refused, round(refused.wait_s / WINDOW_S)) == ("requests", 59)


@every_store
async def test_R9_a_window_keeps_a_bounded_number_of_entries(option: str, redis_url: str) -> None:
    limits = Limits(WINDOW_S, tokens=10**6)
    async with rig(option, redis_url) as rigged:
        places = [(await rigged.enter(limits, 10)).place for _ in range(EXACT + 1000)]
        for place in places:
            await rigged.store.settle(place, 3)
        now = await rigged.store.look("a", limits)
        assert now.tokens is not None
        assert now.tokens.left == 10**6 - 3 * len(places)
        assert await _entries(rigged) <= 2 * EXACT + 1


async def _entries(rigged: Any) -> int:
    if rigged.client is None:
        return len(rigged.store._accounts["a"]._tokens)
    return int(await rigged.client.llen(f"{rigged.prefix}{{a}}:tokens"))
