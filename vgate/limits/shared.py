"""Limits counted in a Redis: what is sent to it and what it says."""

import asyncio
import contextlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis.asyncio as client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from vgate.limits.base import Level, Limits, Reason, Standing

_SCRIPT = Path(__file__).with_name("redis.lua").read_text(encoding="utf-8")
# More requests than this wait for a connection, within their budget.
_CONNECTIONS = 64
_MICRO = 1_000_000


@dataclass(eq=False, slots=True)
class Held:
    """What one request holds in Redis. `token`, `request`: its entries there; -1 where it has none."""

    name: str
    lease: str
    window_s: float
    slot: bool
    reserved: int
    epoch: bytes = b""
    token: int = -1
    request: int = -1


class SharedLimits:
    """One script, so each operation is one atomic step. Only that Redis' clock counts, never this machine's."""

    def __init__(self, url: str, prefix: str, timeout_s: float, slot_ttl_s: float) -> None:
        self._prefix = prefix
        self._lifetime = round(slot_ttl_s * _MICRO)
        pool = client.BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            decode_responses=False,
        )
        self._redis = client.Redis.from_pool(pool)
        self._script = self._redis.register_script(_SCRIPT)

    async def enter(self, name: str, limits: Limits, tokens: int, *, take: bool = True) -> Standing:
        """See `Store.enter`; without `take`, `Store.look`."""
        held = Held(name, uuid.uuid4().hex, limits.window_s, limits.concurrency is not None, tokens)
        bounds = [-1 if most is None else most for most in (limits.requests, limits.tokens, limits.concurrency)]
        told = await self._run("enter", name, limits.window_s, [held.lease, *bounds, tokens, int(take)])
        held.request, held.token, held.epoch = told[6], told[7], told[8]
        refused: Reason = told[0].decode()
        return Standing(
            _level(limits.requests, told[1], told[2]),
            _level(limits.tokens, told[3], told[4]),
            refused,
            told[5] / _MICRO,
            held if take and not refused else None,
        )

    async def settle(self, held: Held, tokens: int | None, *, undo: bool = False) -> bool:
        """See `Store.settle`; `undo` gives the request back too. True, once Redis has answered."""
        token = -1 if tokens is None else held.token
        back = 0 if tokens is None else held.reserved - tokens
        request = held.request if undo else -1
        await self._run("settle", held.name, held.window_s, [held.lease, held.epoch, token, back, request])
        if tokens is not None:
            held.token = -1
        return True

    async def renew(self, slots: Iterable[Held]) -> None:
        """Let none of these expire."""
        by_name: dict[tuple[str, float], list[str]] = {}
        for held in slots:
            by_name.setdefault((held.name, held.window_s), []).append(held.lease)
        await asyncio.gather(*(self._run("renew", *of, leases) for of, leases in by_name.items()))

    async def close(self) -> None:
        """Nothing may be asked any more."""
        with contextlib.suppress(Exception):
            await self._redis.aclose()
            await self._redis.connection_pool.disconnect()

    async def _run(self, operation: str, name: str, window_s: float, arguments: list[Any]) -> Any:
        # The braces keep a key's four together in a Redis cluster.
        keys = [f"{self._prefix}{{{name}}}:{kind}" for kind in ("sums", "requests", "tokens", "slots")]
        head: list[Any] = [operation, round(window_s * _MICRO), self._lifetime]
        return await self._script(keys=keys, args=[*head, *arguments])


def _level(limit: int | None, used: int, free_in_us: int) -> Level | None:
    return None if limit is None else Level(limit, max(0, limit - used), free_in_us / _MICRO)
