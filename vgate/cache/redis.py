"""Answers in a Redis, shared by all gateways that use it."""

import contextlib
import hashlib
import re
import struct
from collections.abc import AsyncIterator
from typing import Any, Literal

import redis.asyncio as client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from vgate.cache.base import Cache, CacheRefusal, Entry, Held
from vgate.cache.key import Sharing
from vgate.cache.memory import oldest
from vgate.cache.packed import pack, unpack
from vgate.types import Answer, Call

# What stands before a packed answer: name and version of the form, for how long it was stored, checksum.
_HEADER = struct.Struct("<4sQ16s")
_MAGIC = b"VGA1"
_HEX = re.compile(rb"(?:[0-9a-f]{2})+")
_BATCH = 500
# More requests than this wait for a connection, within their budget.
_CONNECTIONS = 64


class RedisCache(Cache):
    """Answers under `prefix` plus the key in hex, each for at most `ttl_s` seconds.

    A request waits for Redis no longer than `timeout_ms`. How much is stored is up to that Redis: set its `maxmemory`,
    and a `maxmemory-policy` that drops keys, or an answer that does not fit is a counted failure. Ages and lifetimes
    are by its clock. Entries of another version, or damaged, or of another key, are misses. Whoever can write to that
    Redis can make up answers: it must belong to the same people as this server, as must all that share the prefix.
    """

    waits = True

    def __init__(
        self,
        url: str,
        prefix: str,
        ttl_s: float,
        timeout_ms: float,
        scope: Literal["key", "shared"],
        sampled: bool,
    ) -> None:
        self.budget_s = timeout_ms / 1000
        self._prefix = prefix.encode()
        self._ttl_s = ttl_s
        self._sharing = Sharing(scope, sampled)
        self.scope = scope
        pool = client.BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=self.budget_s,
            socket_timeout=self.budget_s,
            socket_connect_timeout=self.budget_s,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            decode_responses=False,
        )
        self._redis = client.Redis.from_pool(pool)

    def refuses(self, call: Call, defaults: dict[str, Any]) -> str | None:
        return self._sharing.refuses(call, defaults)

    def key(self, call: Call, fingerprint: str) -> bytes:
        return self._sharing.key(call, fingerprint)

    async def get(self, key: bytes, max_age_s: float | None = None) -> Answer | None:
        name = self._name(key)
        async with self._answering(), self._redis.pipeline(transaction=False) as pipe:
            pipe.get(name)
            pipe.pttl(name)
            value, left_ms = await pipe.execute()
        if value is None or left_ms < 0:
            return None
        age_s = (_stored_for_ms(value) - left_ms) / 1000
        if max_age_s is not None and age_s > max_age_s:
            return None
        return _opened(key, value, age_s)

    async def put(self, key: bytes, answer: Answer, ttl_s: float | None = None) -> None:
        kept_ms = round(1000 * (self._ttl_s if ttl_s is None else min(ttl_s, self._ttl_s)))
        async with self._answering():
            await self._redis.set(self._name(key), _sealed(key, answer, kept_ms), px=max(1, kept_ms))

    async def entry(self, key: bytes) -> Entry | None:
        found = await self._described([self._name(key)])
        return found[0] if found else None

    async def entries(self, limit: int | None = None) -> list[Entry]:
        names = await self._names()
        batches = [names[at : at + _BATCH] for at in range(0, len(names), _BATCH)]
        return oldest([entry for batch in batches for entry in await self._described(batch)], limit)

    async def delete(self, key: bytes) -> bool:
        return bool(await self._redis.unlink(self._name(key)))

    async def clear(self) -> None:
        names = await self._names()
        for at in range(0, len(names), _BATCH):
            await self._redis.unlink(*names[at : at + _BATCH])

    @property
    def held(self) -> Held:
        return Held()

    async def close(self) -> None:
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    def _name(self, key: bytes) -> bytes:
        return self._prefix + key.hex().encode()

    @contextlib.asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        """What Redis itself says no to, it says at once: no room, or something else under the name."""
        try:
            yield
        except ResponseError as error:
            raise CacheRefusal(str(error)) from None

    async def _names(self) -> list[bytes]:
        """Of all entries; what another prefix has that begins like this one is left out."""
        pattern = b"".join(b"\\" + bytes([byte]) if byte in b"*?[]\\" else bytes([byte]) for byte in self._prefix)
        found = {name async for name in self._redis.scan_iter(match=pattern + b"*", count=_BATCH)}
        return [name for name in found if _HEX.fullmatch(name, len(self._prefix))]

    async def _described(self, names: list[bytes]) -> list[Entry]:
        """Entries as far as they are there still, and are answers at all."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.getrange(name, 0, _HEADER.size - 1)
                pipe.pttl(name)
                pipe.strlen(name)
            told = await pipe.execute(raise_on_error=False)
        rows = zip(names, told[::3], told[1::3], told[2::3], strict=True)
        return [
            Entry(
                bytes.fromhex(name[len(self._prefix) :].decode()),
                (_stored_for_ms(head) - left) / 1000,
                size,
                None,
                left / 1000,
            )
            for name, head, left, size in rows
            if isinstance(head, bytes) and head.startswith(_MAGIC) and len(head) == _HEADER.size and left > 0
        ]


def _sealed(key: bytes, answer: Answer, kept_ms: int) -> bytes:
    packed = pack(answer)
    return _HEADER.pack(_MAGIC, kept_ms, _checksum(key, packed)) + packed


def _opened(key: bytes, value: bytes, age_s: float) -> Answer:
    packed = value[_HEADER.size :]
    if _HEADER.unpack_from(value)[2] != _checksum(key, packed):
        raise CacheRefusal("the entry is damaged, or is not the one that was asked for")
    try:
        return unpack(packed, age_s)
    except ValueError as error:
        raise CacheRefusal(str(error)) from None


def _stored_for_ms(value: bytes) -> int:
    if len(value) < _HEADER.size or not value.startswith(_MAGIC):
        raise CacheRefusal("the entry is of another version, or is not V-Gate's")
    return int(_HEADER.unpack_from(value)[1])


def _checksum(key: bytes, packed: bytes) -> bytes:
    """Over the key too: an answer that arrives for another question is never taken for one to this."""
    return hashlib.blake2b(packed, key=key[:64], digest_size=16).digest()
