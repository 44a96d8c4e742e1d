"""What a key is told of its limits is true; in virtual time."""

import asyncio
import itertools
import math
from typing import Any

import pytest

from tests.security.asking import EPOCH, PATH, Refused, ask, build_keys, passed
from vgate.security import told as told_module


@pytest.mark.parametrize("pause", [0.0, 0.3, 7.1, 19.9])
async def test_R8_exactly_as_many_more_pass_as_the_headers_say(pause: float) -> None:
    """Each of three admissions says how many remain: that many pass, one more does not."""
    for asked in range(1, 4):
        security = build_keys()
        headers: Any = {}
        for _ in range(asked):
            headers = (await ask(security)).headers
            await asyncio.sleep(pause)
        assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("3", str(3 - asked))
        assert [await passed(security, 1) for _ in range(4 - asked)] == [1] * (3 - asked) + [0]


@pytest.mark.parametrize("pause", [0.0, 0.3, 7.1, 19.9])
async def test_R8_retry_after_is_enough_and_a_second_less_is_not(pause: float) -> None:
    security = build_keys()
    for _ in range(3):
        await ask(security)
        await asyncio.sleep(pause)
    refused = await ask(security)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.code) == (429, "rate_limit_exceeded")
    assert refused.headers["x-ratelimit-remaining"] == "0"
    wait = int(refused.headers["retry-after"])
    await asyncio.sleep(wait - 1)
    assert await passed(security, 1) == 0
    await asyncio.sleep(1)
    assert await passed(security, 1) == 1


async def test_R8_reset_is_when_all_is_free_if_nothing_more_is_sent() -> None:
    security = build_keys()
    await ask(security)
    await asyncio.sleep(10.5)
    reset = int((await ask(security)).headers["x-ratelimit-reset"])
    assert reset == math.ceil(EPOCH + 10.5 + 60)
    await asyncio.sleep(reset - EPOCH - 10.5)
    assert await passed(security, 4) == 3


async def test_R8_of_tokens_and_where_nothing_is_taken_the_headers_are_there_too() -> None:
    security = build_keys({"key": "sk-usual", "name": "usual", "token_limit": 100})
    caller = await security.identify(PATH, "Bearer sk-usual")
    fresh = await security.headers(caller)
    lease = await ask(security, tokens=30)
    assert lease.headers["x-ratelimit-remaining-tokens"] == "70"
    await asyncio.sleep(0.25)
    now = await security.headers(caller)
    of_tokens = [now[f"x-ratelimit-{what}-tokens"] for what in ("limit", "remaining", "reset")]
    assert of_tokens == ["100", "70", "59.75s"]
    assert fresh["x-ratelimit-remaining"] == "3"
    assert (now["x-ratelimit-limit"], now["x-ratelimit-remaining"]) == ("3", "2")


async def test_R4_refusals_do_not_put_off_the_next_admission() -> None:
    """Someone who keeps knocking gets in as soon as someone who waits."""
    security = build_keys(default_limit=2, window_seconds=10.0)
    admitted = []
    for _ in range(41):
        admitted += [asyncio.get_running_loop().time()] * await passed(security, 1)
        await asyncio.sleep(0.5)
    assert admitted == [0.0, 0.5, 10.0, 10.5, 20.0]


async def test_R7_the_wall_clock_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    security = build_keys(default_limit=2)
    for jump in itertools.islice(itertools.cycle([-3600.0, 3600.0]), 20):
        monkeypatch.setattr(told_module.time, "time", lambda jump=jump: EPOCH + jump)
        await ask(security)
    assert await passed(security, 1) == 0
    await asyncio.sleep(60)
    assert await passed(security, 5) == 2
