"""Embedding requests, and asking for them the way the HTTP layer does."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import orjson

from tests.calls import call_of
from tests.components import build
from vgate.embedding.base import Asked, Embedding, Item, Limits, Vector
from vgate.embeddings import Embeddings
from vgate.errors import BadRequest
from vgate.observe.base import Observer
from vgate.record import Record
from vgate.types import Call

# A step of 10 ms, and 1 ms for a word.
SLOW = {"tokens_per_s": 1000.0, "step_ms": 10.0}


def texts(*numbers: int) -> list[str]:
    return [f"item {number}" for number in numbers]


class Counting(Embedding):
    """The dry-run engine, and what of it was used. An item with "fail" in it fails when it runs."""

    def __init__(self, **changes: Any) -> None:
        self.inner: Embedding = build("embedding", "dry_run", **changes)
        self.limits: Limits = self.inner.limits
        self.ran: list[Any] = []
        self.aborted: list[Any] = []
        self.running: list[Item] = []
        self.most: list[tuple[int, int]] = []

    async def start(self) -> None:
        await self.inner.start()

    async def stop(self) -> None:
        await self.inner.stop()

    @property
    def ready(self) -> bool:
        return self.inner.ready

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    def models(self) -> list[dict[str, Any]]:
        return self.inner.models()

    def read(self, body: dict[str, Any]) -> Asked:
        return self.inner.read(body)

    async def prepare(self, asked: Asked, index: int) -> Item:
        return await self.inner.prepare(asked, index)

    async def run(self, item: Item) -> Vector:
        text = item.payload[0]
        self.ran.append(text)
        self.running.append(item)
        tokens = [one.tokens for one in self.running]
        self.most.append((sum(tokens), max(tokens) * len(tokens)))
        try:
            if "fail" in text:
                raise BadRequest("this item fails")
            return await self.inner.run(item)
        except asyncio.CancelledError:
            self.aborted.append(text)
            raise
        finally:
            self.running.remove(item)


async def embeddings(
    embedding: Embedding | None = None,
    cache: str = "none",
    dedup: str = "none",
    observer: Observer | None = None,
    **changes: Any,
) -> Embeddings:
    """The request path, started. Changes go to every component that has such a key."""
    engine = embedding or Counting(**changes)
    await engine.start()
    parts = build("cache", cache, **changes), build("dedup", dedup, **changes)
    return Embeddings(engine, *parts, observer or Observer())


def embed(value: Any, *, caller: str = "anonymous", **fields: Any) -> Call:
    return call_of({"input": value, **fields}, "embeddings", caller)


@dataclass
class Embedded:
    """One request as its client saw it."""

    record: Record
    body: Any

    @property
    def vectors(self) -> list[Any]:
        return [row["embedding"] for row in self.body["data"]]

    @property
    def verdict(self) -> str:
        return self.record.cache


async def ask(path: Embeddings, call: Call) -> Embedded:
    record = Record(call.id, "/v1/embeddings", "POST", asyncio.get_running_loop().time(), caller=call.caller)
    async with contextlib.aclosing(path.answer(call, record)) as events:
        body = orjson.loads(b"".join([event.data async for event in events]))
    return Embedded(record, body)
