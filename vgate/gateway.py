"""The request path, from a call to its answer."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from vgate import sse
from vgate.batch.base import BatchStrategy
from vgate.cache.base import Cache
from vgate.dedup.base import Dedup
from vgate.dedup.flight import Flight
from vgate.engine.base import Engine
from vgate.errors import NotReady
from vgate.observe.base import Observer
from vgate.types import Answer, Call, Event, Record


class Gateway:
    """Cache, then dedup, then batch, then engine. Several gateways may share one engine."""

    def __init__(self, engine: Engine, batch: BatchStrategy, cache: Cache, dedup: Dedup, observer: Observer) -> None:
        self.engine = engine
        self.cache = cache
        self._batch = batch
        self._dedup = dedup
        self._observer = observer

    async def answer(self, call: Call, record: Record) -> AsyncGenerator[Event, None]:
        """The call's answer, event by event as it is made; stamps the record on the way.

        Raises ApiError, before the first event or after. Close the generator when the client leaves: what only this
        client waited for is then aborted.
        """
        if not self.engine.ready:
            raise NotReady("The model is not ready.")
        source, events = await self._open(call, record)
        async with contextlib.aclosing(events):
            async for event in events:
                _stamp(record, event)
                yield event if source == call.id else sse.readdressed(event, source, call.id)

    async def _open(self, call: Call, record: Record) -> tuple[str, AsyncGenerator[Event, None]]:
        """Where the events come from, and whose id they carry: the cache, another call's generation, or its own."""
        fingerprint, defaults = self.engine.fingerprint, self.engine.sampling_defaults
        bypass = self.cache.refuses(call, defaults)
        key = None if bypass else self.cache.key(call, fingerprint)
        stored = await self.cache.get(key) if key else None
        if stored:
            record.cache = "hit"
            return stored.id, _replay(stored)
        record.cache = f"bypass({bypass})" if bypass else "miss"
        if self._dedup.refuses(call, defaults):
            events = self._generate(call, record, key)
            # A client that reads slowly must not keep its place in the batch from others.
            return call.id, Flight(call.id, events).read() if self._batch.exclusive else events
        shared = self._dedup.key(call, fingerprint)
        source, events = self._dedup.open(shared, call, lambda: self._generate(call, record, key, shared))
        if source != call.id:
            record.cache = "coalesced"
        return source, events

    async def _generate(
        self, call: Call, record: Record, cache_key: bytes | None, dedup_key: bytes | None = None
    ) -> AsyncGenerator[Event, None]:
        """Check, wait for admission, run, store; the place in the batch is given back whatever happens."""
        job = await self.engine.prepare(call)
        batch = await self._batch.enter()
        made = 0
        try:
            record.admitted = asyncio.get_running_loop().time()
            record.batch_id, record.batch_size, record.generated = batch.id, batch.size, True
            if dedup_key:
                self._dedup.dispatched(dedup_key)
            said: list[Event] = []
            async with contextlib.aclosing(self.engine.run(job)) as raw:
                async for event in sse.metered(raw, stream=call.stream, wants_usage=call.wants_usage):
                    # Until the engine has counted, as for a client that leaves early, an event counts as one token.
                    made = event.usage.completion_tokens if event.usage else made + event.content
                    said.append(event)
                    yield event
            if cache_key:
                await self.cache.put(cache_key, Answer(call.id, tuple(said)))
        finally:
            batch.tokens += made
            now = asyncio.get_running_loop().time()  # before the place is free for the next batch
            if self._batch.leave(batch):
                self._observer.batch_done(batch, now)


def _stamp(record: Record, event: Event) -> None:
    if event.content:
        record.last_token = asyncio.get_running_loop().time()
        record.first_token = record.last_token if record.first_token is None else record.first_token
    record.usage = event.usage or record.usage


async def _replay(answer: Answer) -> AsyncGenerator[Event, None]:
    for event in answer.events:
        yield event
