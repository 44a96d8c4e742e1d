"""Limits counted in this process."""

import asyncio
import copy
import random
import time

import pytest

from tests.components import build
from tests.limits.oracle import Oracle, Taken
from vgate.limits.account import Place
from vgate.limits.base import Limits, Standing
from vgate.limits.memory import MemoryLimits

LIMITS = Limits(60.0, requests=5, tokens=100, concurrency=3)


@pytest.mark.parametrize("seed", range(5))
async def test_R1_R4_R6_R8_it_says_what_counting_by_hand_says(seed: int) -> None:
    """Requests that come, end and are settled at random moments, eighths of a second apart: all is exact."""
    order, store, oracle = random.Random(seed), build("limits", "memory"), Oracle(LIMITS)
    running: list[tuple[Place, Taken]] = []
    for _ in range(2000):
        await asyncio.sleep(order.choice([0, 0, 1, 8, 40]) * order.randint(0, 9) / 8)
        now = asyncio.get_running_loop().time()
        if running and order.random() < 0.4:
            place, taken = running.pop(order.randrange(len(running)))
            real = order.choice([0, taken.tokens, taken.tokens // 2, taken.tokens + 7])
            await store.settle(place, real)
            oracle.settle(taken, real, now)
        else:
            tokens = order.randint(1, 60)
            refused, wait = oracle.refuses(tokens, now), oracle.wait_s(tokens, now)
            standing = await store.enter("a", LIMITS, tokens)
            assert standing.refused == refused
            assert standing.wait_s == (wait if refused else 0)
            if not refused:
                running.append((standing.place, oracle.enter(tokens, now)))
            _check(standing, oracle, now)
        _check(await store.look("a", LIMITS), oracle, now)


def _check(standing: Standing, oracle: Oracle, now: float) -> None:
    assert standing.requests is not None
    assert standing.tokens is not None
    assert (standing.requests.left, standing.tokens.left) == oracle.left(now)
    assert (standing.requests.free_in_s, standing.tokens.free_in_s) == oracle.free_in_s(now)


async def test_a_look_takes_nothing_and_leaves_nothing() -> None:
    store = MemoryLimits()
    for name in ("a", "b"):
        standing = await store.look(name, LIMITS)
        assert standing.requests is not None
        assert standing.requests.left == 5
    assert len(store) == 0


async def test_R9_a_key_with_a_long_request_does_not_keep_others() -> None:
    store = MemoryLimits()
    held = await store.enter("long", LIMITS, 1)
    for number in range(100):
        await store.settle((await store.enter(f"{number}", LIMITS, 1)).place, 1)
    await asyncio.sleep(60)
    for _ in range(2):
        await store.settle((await store.enter("busy", LIMITS, 1)).place, 1)
    assert len(store) == 2
    await store.settle(held.place, 1)
    await store.enter("busy", LIMITS, 1)
    assert len(store) == 1


async def test_R13_the_same_counts_go_on() -> None:
    old, new = MemoryLimits(), MemoryLimits()
    await old.enter("a", LIMITS, 70)
    assert new.succeed(old) is old


async def test_a_decision_takes_microseconds() -> None:
    """The median of many; in a key that has used its limits fully, too."""
    store, limits, times = MemoryLimits(), Limits(60.0, 10_000, 10**6, 10_000), []
    for _ in range(3000):
        began = time.perf_counter()
        await store.settle((await store.enter("a", limits, 50)).place, 20)
        times.append(time.perf_counter() - began)
    assert sorted(times)[len(times) // 2] < 100e-6


async def test_accounts_are_plain_data() -> None:
    """What a standing says does not change with the account."""
    store = MemoryLimits()
    standing = await store.enter("a", LIMITS, 10)
    kept = copy.deepcopy(standing[:4])
    await store.enter("a", LIMITS, 10)
    assert standing[:4] == kept
