"""The request path of `/v1/embeddings`: one cache entry, one place in the queue and one flight for each item."""

import asyncio
from collections.abc import AsyncGenerator, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from weakref import WeakKeyDictionary

from vgate.cache.base import Cache
from vgate.dedup.base import Dedup
from vgate.embedding.answer import body_of
from vgate.embedding.base import Asked, Embedding, Item, Vector
from vgate.embedding.flights import Flights
from vgate.embedding.queue import ItemQueue, Place
from vgate.errors import DeadlineExceeded, NotReady
from vgate.observe.base import Observer
from vgate.record import Record
from vgate.types import Answer, Call, Event, Usage

# Items looked up before others get their turn on the event loop.
_TURN = 64


@dataclass(slots=True, eq=False)
class _Wanted:
    """One distinct item of a request. `index`: where it stands first; `flight`: under what others may join it."""

    index: int
    stored_as: bytes | None
    flight: Hashable
    vector: Vector | None = None
    cached: bool = False
    age_s: float = 0.0
    joined: bool = False


class Embeddings:
    """Cache, then items in flight, then queue, then engine; the answer has its items in the order of the request."""

    def __init__(self, embedding: Embedding, cache: Cache, dedup: Dedup, observer: Observer) -> None:
        self.embedding = embedding
        self._cache = cache
        self._dedup = dedup
        self._queue = ItemQueue(embedding.limits, observer)
        self._observer = observer
        self._flights: Flights[Vector] = Flights()
        self._started_by: WeakKeyDictionary[asyncio.Task[Vector], Record] = WeakKeyDictionary()

    async def answer(self, call: Call, record: Record) -> AsyncGenerator[Event, None]:
        """The whole answer as one event; stamps the record on the way.

        Raises ApiError. Close the generator when the client leaves: items that wait for it alone are dropped then,
        those that run for it alone are aborted.
        """
        if not self.embedding.ready:
            raise NotReady("The embedding model is not ready.", self.embedding.back_in_s)
        asked = self.embedding.read(call.body)
        bypass = self._cache.refuses(call, {}) or (None if call.cache_control.read else "no-cache")
        seen = self._flights.landed
        wanted = await self._find(call, asked)
        missing = [want for want in wanted if want.vector is None]
        try:
            async with asyncio.timeout_at(call.deadline):
                await self._make(call, record, asked, list(dict.fromkeys(missing)), seen)
        except TimeoutError:
            self._given_up(record, "deadline")
            raise DeadlineExceeded from None
        except asyncio.CancelledError:
            self._given_up(record, "left")
            raise
        finally:
            record.cache = f"bypass({bypass})" if bypass else _verdict(wanted)
            record.items, record.cached_items = len(wanted), sum(want.cached for want in wanted)
            record.age_s = max((want.age_s for want in wanted if want.cached), default=None)
        vectors = [want.vector for want in wanted if want.vector is not None]
        saved = sum(want.vector.tokens for want in wanted if want.cached and want.vector)
        body = await body_of(vectors, asked.fields["model"], asked.encoding, saved)
        record.usage, record.answered = Usage(sum(vector.tokens for vector in vectors), 0), _now()
        yield Event(body, content=True, usage=record.usage)

    def _given_up(self, record: Record, reason: str) -> None:
        """Nobody waits for it any more; it is told if none of its items has come into the engine."""
        if record.admitted is None and record.followed is None:
            self._observer.refused(reason)

    async def _find(self, call: Call, asked: Asked) -> list[_Wanted]:
        """What is wanted for each item, equal ones together, with the vectors that the cache has."""
        known: dict[Hashable, _Wanted] = {}
        wanted = []
        for index, item in enumerate(asked.inputs):
            identity = item if isinstance(item, str) else tuple(item)
            if identity not in known:
                known[identity] = self._want(call, asked, index)
            wanted.append(known[identity])
            if index % _TURN == _TURN - 1:
                await asyncio.sleep(0)
        for some in _batched(known.values(), _TURN):
            await asyncio.gather(*(self._look_up(call, want) for want in some))
        return wanted

    def _want(self, call: Call, asked: Asked, index: int) -> _Wanted:
        alone = replace(call, body={"input": asked.inputs[index], **asked.fields})
        fingerprint = self.embedding.fingerprint
        stored_as = None if self._cache.refuses(alone, {}) else self._cache.key(alone, fingerprint)
        # Who will have nothing from the cache will have no vector either that others asked for before.
        if not call.cache_control.read or self._dedup.refuses(alone, {}):
            return _Wanted(index, stored_as, (call.id, index))
        return _Wanted(index, stored_as, self._dedup.key_beside(stored_as, self._cache.scope, alone, fingerprint))

    async def _look_up(self, call: Call, want: _Wanted) -> None:
        asks = call.cache_control
        stored = await self._cache.get(want.stored_as, asks.max_age_s) if want.stored_as and asks.read else None
        if stored:
            event = stored.events[0]
            want.vector = Vector(event.data, event.usage.prompt_tokens if event.usage else 0)
            want.cached, want.age_s = True, stored.age_s

    async def _make(self, call: Call, record: Record, asked: Asked, missing: list[_Wanted], seen: int) -> None:
        """The vectors that the cache did not have. One bad item refuses the request before any of them runs."""
        items = await _prepared(self.embedding, asked, missing)
        if self._flights.landed != seen:  # a vector may have come meanwhile
            for want in missing:
                await self._look_up(call, want)
        left = [want for want in missing if want.vector is None]
        record.queued = _now() if left else None
        tasks = self._board(call, record, left, items)
        self._flights.join(tasks)
        try:
            await _landed(tasks)
        finally:
            self._flights.leave(tasks)
        for want, task in zip(left, tasks, strict=True):
            want.vector = task.result()

    def _board(
        self, call: Call, record: Record, wanted: list[_Wanted], items: dict[int, Item]
    ) -> "list[asyncio.Task[Vector]]":
        """A flight for each: one that is on its way, or a new one with a place in the queue."""
        flying = [self._flights.find(want.flight) for want in wanted]
        fresh = [want for want, task in zip(wanted, flying, strict=True) if task is None]
        places = iter(self._queue.add([items[want.index].tokens for want in fresh]))
        tasks = []
        for want, task in zip(wanted, flying, strict=True):
            want.joined = task is not None
            tasks.append(task or self._start(call, record, want, items[want.index], next(places)))
        if tasks and not fresh:
            record.followed = self._started_by.get(tasks[-1])
        return tasks

    def _start(self, call: Call, record: Record, want: _Wanted, item: Item, place: Place) -> "asyncio.Task[Vector]":
        work = self._run(call, record, want, item, place)
        task = self._flights.start(want.flight, work, partial(self._queue.leave, place))
        self._started_by[task] = record
        return task

    async def _run(self, call: Call, record: Record, want: _Wanted, item: Item, place: Place) -> Vector:
        await place.admitted.wait()
        if record.admitted is None:
            record.admitted, record.generated = _now(), True
        record.spent += item.tokens
        vector = await self.embedding.run(item)
        record.spent += vector.tokens - item.tokens  # a worker has counted them only now
        self._queue.leave(place)
        if want.stored_as:
            kept = Event(vector.data, True, Usage(vector.tokens, 0))
            await self._cache.put(want.stored_as, Answer(call.id, (kept,)), call.cache_control.ttl_s)
        return vector


async def _prepared(embedding: Embedding, asked: Asked, missing: list[_Wanted]) -> dict[int, Item]:
    """Items by their index. Raises the error of the first that is wrong."""
    checks = (embedding.prepare(asked, want.index) for want in missing)
    results = await asyncio.gather(*checks, return_exceptions=True)
    items: dict[int, Item] = {}
    for want, result in zip(missing, results, strict=True):
        if isinstance(result, BaseException):
            raise result
        items[want.index] = result
    return items


async def _landed(tasks: "Sequence[asyncio.Task[Vector]]") -> None:
    """Wait for all, or raise the error of the first that fails. Leaves them as they are when it is cancelled."""
    if not tasks:
        return
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        if task.cancelled():
            raise NotReady("The work on an item was aborted.")
        if error := task.exception():
            raise error


def _verdict(wanted: list[_Wanted]) -> str:
    """`X-VGate-Cache`: hit when every item came from the cache, partial(<those>/<all>) when some did."""
    cached = sum(want.cached for want in wanted)
    if cached == len(wanted):
        return "hit"
    if cached:
        return f"partial({cached}/{len(wanted)})"
    return "coalesced" if all(want.joined for want in wanted) else "miss"


def _batched(wanted: Iterable[_Wanted], size: int) -> Iterator[list[_Wanted]]:
    """In lists of at most `size`."""
    rest = iter(wanted)
    while some := list(islice(rest, size)):
        yield some


def _now() -> float:
    return asyncio.get_running_loop().time()
