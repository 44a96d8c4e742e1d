"""The request path, from a call to its answer."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any
from weakref import WeakValueDictionary

from vgate import forms, sse
from vgate.batch.base import BatchStrategy
from vgate.cache.base import Cache
from vgate.cache.guarded import Guarded
from vgate.dedup.base import Dedup, Events, Work
from vgate.dedup.flight import Flight
from vgate.engine.base import Engine
from vgate.errors import DeadlineExceeded, NotReady, Overloaded
from vgate.observe.base import Observer
from vgate.record import Record
from vgate.types import Answer, Batch, Call, Due, Event, Job, Ticket
from vgate.underway import Underway

logger = logging.getLogger(__name__)

# Events that are there at once are handed out so many at a time; then others have their turn on the event loop.
_TURN = 16


class Gateway:
    """Cache, then dedup, then batch, then engine. Several gateways may share one engine."""

    def __init__(self, engine: Engine, batch: BatchStrategy, cache: Cache, dedup: Dedup, observer: Observer) -> None:
        self.engine = engine
        self.cache = cache if isinstance(cache, Guarded) else Guarded(cache, observer)
        self._batch = batch
        self.dedup = dedup
        self._observer = observer
        self._generating: WeakValueDictionary[str, Record] = WeakValueDictionary()
        self._underway = Underway()

    async def answer(self, call: Call, record: Record) -> AsyncGenerator[Event, None]:
        """The call's answer, event by event as it is made; stamps the record on the way.

        Raises ApiError, before the first event or after. Close the generator when the client leaves: what only this
        client waited for is then aborted.
        """
        if not self.engine.ready:
            raise NotReady("The model is not ready.", self.engine.back_in_s)
        with self._underway.one():
            record.source, events = await self._open(call, record)
            theirs, mine, wants_usage = record.source.encode(), call.id.encode(), call.wants_usage
            async with contextlib.aclosing(events):
                event, taken = await self._first(events, call, record), 0
                while event is not None:
                    if wants_usage or not event.counts:
                        record.stamp(event, asyncio.get_running_loop().time())
                        yield event if theirs == mine else sse.readdressed(event, theirs, mine)
                    taken += 1
                    if taken % _TURN == 0:
                        await asyncio.sleep(0)
                    event = await anext(events, None)

    def beside(self, **parts: Any) -> "Gateway":
        """Another one in front of the same engine, with these parts; `batch`, `cache` and `dedup` else are shared."""
        shared: dict[str, Any] = {"batch": self._batch, "cache": self.cache, "dedup": self.dedup}
        return Gateway(self.engine, observer=self._observer, **shared | parts)

    async def answered(self) -> None:
        """Until no request is under way."""
        await self._underway.over()

    async def close(self) -> None:
        """Once the requests under way are answered, give back what the cache holds outside this process."""
        await self.answered()
        await self.cache.close()

    async def _open(self, call: Call, record: Record) -> tuple[str, Events]:
        """Where the events come from, and whose id they carry: the cache, another call's generation, or its own."""
        fingerprint, defaults = self._fingerprint(call), self.engine.sampling_defaults
        asks = call.cache_control
        bypass = self.cache.refuses(call, defaults)
        key = record.key = None if bypass else self.cache.key(call, fingerprint)
        # Who will have nothing from the cache will have an answer of its own, not one that others asked for before.
        alone = not asks.read or self.dedup.refuses(call, defaults)
        shared = None if alone else self.dedup.key_beside(key, self.cache.scope, call, fingerprint)
        with self.dedup.looking(shared) if shared and key else contextlib.nullcontext():
            stored = await self.cache.get(key, asks.max_age_s) if key and asks.read else None
            if stored:
                record.cache, record.age_s = "hit", stored.age_s
                return stored.id, self._replay(call, stored.events)
            bypass = bypass or (None if asks.read else "no-cache")
            record.cache = f"bypass({bypass})" if bypass else "miss"
            return self._follow(call, record, key, shared)

    def _fingerprint(self, call: Call) -> str:
        """All that decides the answer beside the request: where its two forms may differ, the form too."""
        fingerprint = self.engine.fingerprint
        return fingerprint if call.endpoint in self.engine.shapes else f"{fingerprint} {call.stream}"

    def _replay(self, call: Call, events: tuple[Event, ...]) -> Events:
        """What was stored, in the form that is asked for."""
        if forms.is_streamed(events) == call.stream:
            return _each(events)
        if call.stream:
            return forms.unfolded(events[0])
        return forms.Folded(_each(events), self.engine.shapes[call.endpoint])

    def _follow(self, call: Call, record: Record, key: bytes | None, shared: bytes | None) -> tuple[str, Events]:
        """A generation: another call's, or its own, which it need not be the one to end."""
        # A client that reads slowly must not keep its place in the batch from others.
        patient = not self._batch.exclusive
        if not shared:
            events = self._generate(call, record, key)
            return call.id, events if patient else Flight(call.id, events, patient=False).read()
        work = Work(
            generate=lambda due: self._generate(call, record, key, shared, due),
            fold=lambda stream: forms.Folded(stream, self.engine.shapes[call.endpoint]),
            patient=patient,
        )
        source, followed = self.dedup.open(shared, call, work)
        if source == call.id:
            self._generating[source] = record
        else:
            record.cache, record.followed = "coalesced", self._generating.get(source)
        return source, followed

    async def _generate(
        self,
        call: Call,
        record: Record,
        cache_key: bytes | None,
        dedup_key: bytes | None = None,
        due: Due | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Check, wait for admission, run, store; the place is given back whatever happens.

        The call's client may have left long before the end: others follow until their deadline, which is `due`.
        """
        ticket = self._ticket(call)
        ticket.opened, ticket.due, record.generating = record.arrived, due, True
        try:
            job = await self.engine.prepare(self._batch.queue.as_asked(call))
            record.span, record.queued = job.span, asyncio.get_running_loop().time()
            batch = await self._admitted(ticket, job)
            record.queued, record.held_s = ticket.queued, ticket.held_s
            record.admitted, record.generated, record.spent = ticket.admitted, True, job.prompt_tokens
            record.batch_id, record.batch_size = batch.id, batch.size
            if dedup_key:
                self.dedup.dispatched(dedup_key, due)
            said: list[Event] = []
            with self._in_engine():
                async with _closing(self.engine.run(job)) as raw:
                    async for event in sse.metered(raw, stream=call.stream):
                        _count(ticket, event)
                        record.spent = _read(event, job) + ticket.tokens
                        if cache_key:  # else nothing is kept of what a slow reader has not taken
                            said.append(event)
                        yield event
            ticket.complete = True
            if cache_key:
                await self.cache.put(cache_key, Answer(call.id, tuple(said)), call.cache_control.ttl_s)
        finally:
            _count_broken_off(record, ticket)
            self._leave(ticket, record)
            if record.when_over:
                record.when_over()

    async def _first(self, events: Events, call: Call, record: Record) -> Event | None:
        """The first event; DeadlineExceeded when it does not come in time."""
        if call.deadline is None:
            return await anext(events, None)
        try:
            async with asyncio.timeout_at(call.deadline):
                return await anext(events, None)
        except TimeoutError:
            await events.aclose()
            if record.queued is None and not record.generating and record.cache != "coalesced":
                self._observer.refused("deadline")  # before it could wait, so its ticket cannot tell
            raise DeadlineExceeded from None

    def _ticket(self, call: Call) -> Ticket:
        try:
            return self._batch.open(call)
        except Overloaded:
            self._observer.refused("full")
            raise

    async def _admitted(self, ticket: Ticket, job: Job) -> Batch:
        self._observer.waiting(+1)
        try:
            return await self._batch.enter(ticket, job)
        finally:
            self._observer.waiting(-1)

    @contextlib.contextmanager
    def _in_engine(self) -> Iterator[None]:
        self._observer.running(+1)
        try:
            yield
        finally:
            self._observer.running(-1)

    def _leave(self, ticket: Ticket, record: Record) -> None:
        now = asyncio.get_running_loop().time()  # before the place is free for the next batch
        batch = self._batch.leave(ticket)
        record.queued, record.held_s, record.generating = ticket.queued, ticket.held_s, False
        self._observer.left(ticket)
        if batch:
            self._observer.batch_done(batch, now)


@contextlib.asynccontextmanager
async def _closing(raw: AsyncGenerator[bytes, None]) -> AsyncIterator[AsyncGenerator[bytes, None]]:
    """As aclosing, but an engine that cannot close an answer does not change how the answer has ended."""
    try:
        yield raw
    finally:
        try:
            await raw.aclose()
        except Exception:
            logger.exception("the engine failed to close an answer")


def _count(ticket: Ticket, event: Event) -> None:
    if ticket.first is None:
        ticket.first = asyncio.get_running_loop().time()
    if event.content:
        ticket.last_token = asyncio.get_running_loop().time()
        ticket.first_token = ticket.last_token if ticket.first_token is None else ticket.first_token
    # Until the engine has counted, as for a client that leaves early, an event counts as one token.
    made = event.usage.completion_tokens if event.usage else 0
    ticket.tokens = made or ticket.tokens + event.content


def _read(event: Event, job: Job) -> int:
    """Tokens of the prompt, as the engine has counted them, or else as it took them to be."""
    return (event.usage.prompt_tokens if event.usage else 0) or job.prompt_tokens


def _count_broken_off(record: Record, ticket: Ticket) -> None:
    """What was made of an answer that broke off before its first event, its engine tells."""
    if ticket.job and ticket.admitted is not None and not ticket.complete:
        ticket.tokens = max(ticket.tokens, ticket.job.span.tokens or 0)
        record.spent = max(record.spent, ticket.job.prompt_tokens + ticket.tokens)


async def _each(events: tuple[Event, ...]) -> AsyncGenerator[Event, None]:
    for event in events:
        yield event
