"""A hundred thousand steps of clients that ask, wait, end and hold the headers to their word."""

import asyncio
import math
import random

import pytest

from tests.limits.oracle import Oracle, Taken
from tests.security.asking import EPOCH, PATH, Refused, ask, build_keys
from vgate.limits.base import Limits
from vgate.security.base import Lease

STEPS, SEEDS = 100_000, 5
LIMITS = Limits(60.0, requests=6, tokens=100, concurrency=4)
KEY = {"key": "sk-a", "name": "a", "rate_limit": 6, "token_limit": 100, "concurrency": 4}


class Clients:
    """All that ask with one key, and what they were told. `steps` counts what they did."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._security = build_keys(KEY)
        self._oracle = Oracle(LIMITS)
        self._running: list[tuple[Lease, Taken]] = []
        self.steps = 0
        self.refused: set[str] = set()

    async def step(self) -> None:
        acts = [self._ask, self._end, self._wait, self._look, self._drain, self._spend, self._reset]
        await self._random.choices(acts, [16, 10, 8, 3, 1, 1, 1])[0]()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _send(self, tokens: int) -> Lease | Refused:
        """Decided as by hand, and told truly, whichever way."""
        self.steps += 1
        now = self._now()
        self._oracle.forget(now)
        expected, wait = self._oracle.refuses(tokens, now), self._oracle.wait_s(tokens, now)
        answer = await ask(self._security, "sk-a", tokens)
        if isinstance(answer, Refused):
            self.refused.add(expected)
            assert expected
            assert answer.status == 429
            assert answer.code == ("concurrency_limit_exceeded" if expected == "concurrency" else "rate_limit_exceeded")
            assert answer.headers["retry-after"] == str(max(1, math.ceil(wait)))
        else:
            assert not expected
            self._running.append((answer, self._oracle.enter(tokens, now)))
        self._check(dict(answer.headers))
        return answer

    def _check(self, headers: dict[str, str]) -> None:
        now = self._now()
        requests, tokens = self._oracle.left(now)
        requests_free, tokens_free = self._oracle.free_in_s(now)
        assert (headers["x-ratelimit-limit"], headers["x-ratelimit-limit-tokens"]) == ("6", "100")
        assert headers["x-ratelimit-remaining"] == str(requests)
        assert headers["x-ratelimit-remaining-tokens"] == str(tokens)
        assert headers["x-ratelimit-reset"] == str(math.ceil(EPOCH + now + requests_free))
        assert float(headers["x-ratelimit-reset-tokens"].removesuffix("s")) == pytest.approx(tokens_free, abs=0.001)

    async def _ask(self) -> None:
        await self._send(self._random.randint(0, 60))

    async def _end(self) -> None:
        if not self._running:
            return
        self.steps += 1
        lease, taken = self._running.pop(self._random.randrange(len(self._running)))
        await self._settle(lease, taken, self._random.choice([0, taken.tokens, taken.tokens // 2, taken.tokens + 9]))

    async def _settle(self, lease: Lease, taken: Taken, real: int) -> None:
        await lease.settle(real)
        self._oracle.settle(taken, real, self._now())

    async def _end_all(self) -> None:
        """Having cost nothing."""
        while self._running:
            await self._settle(*self._running.pop(), 0)

    async def _wait(self) -> None:
        self.steps += 1
        await asyncio.sleep(self._random.choice([0, 1, 8, 80]) * self._random.randint(0, 8) / 8)

    async def _look(self) -> dict[str, str]:
        self.steps += 1
        headers = await self._security.headers(await self._security.identify(PATH, "Bearer sk-a"))
        self._check(headers)
        return headers

    async def _passes(self) -> bool:
        answer = await self._send(0)
        await self._end_all()
        return isinstance(answer, Lease)

    async def _drain(self) -> None:
        """Exactly `Remaining` more pass, one more does not; after `Retry-After` it does, and not a second earlier."""
        await self._end_all()
        headers = await self._look()
        if headers["x-ratelimit-remaining-tokens"] == "0":
            return  # more has been used than was reserved
        for _ in range(int(headers["x-ratelimit-remaining"])):
            assert await self._passes()
        refused = await self._send(0)
        assert isinstance(refused, Refused)
        wait = int(refused.headers["retry-after"])
        await asyncio.sleep(wait - 1)
        if wait > 1:
            assert not await self._passes()
        await asyncio.sleep(1)
        assert await self._passes()

    async def _spend(self) -> None:
        """Of tokens, what remains can be had, and not one more."""
        await self._end_all()
        headers = await self._look()
        left = int(headers["x-ratelimit-remaining-tokens"])
        if left == 0 or headers["x-ratelimit-remaining"] == "0":
            return
        if left < 100:  # of more than there ever are, another error tells
            assert isinstance(await self._send(left + 1), Refused)
        assert isinstance(await self._send(left), Lease)

    async def _reset(self) -> None:
        """At `Reset` all of it is free."""
        await self._end_all()
        headers = await self._look()
        of_tokens = float(headers["x-ratelimit-reset-tokens"].removesuffix("s"))
        await asyncio.sleep(max(int(headers["x-ratelimit-reset"]) - EPOCH - self._now(), math.ceil(of_tokens), 0))
        assert isinstance(await self._send(100), Lease)
        await self._end_all()
        assert [await self._passes() for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_R8_every_promise_of_the_headers_is_kept(seed: int) -> None:
    clients = Clients(seed)
    while clients.steps < STEPS // SEEDS:
        await clients.step()
    assert clients.refused == {"requests", "tokens", "concurrency"}
