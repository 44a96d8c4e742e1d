"""Limits counted in a Redis, for several gateways together."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

from vgate.limits.base import Limits, Standing, Store
from vgate.limits.memory import MemoryLimits
from vgate.limits.outage import Outage
from vgate.limits.shared import Held, SharedLimits

T = TypeVar("T")
# Leases that wait for Redis to come back; of more the oldest expire by themselves.
_MOST_OWED = 10_000


class RedisLimits(Store):
    """All gateways with the same Redis and prefix let in together what the limits say, as one would.

    A decision waits for Redis no longer than `timeout_ms`. When Redis fails, `on_failure` says what happens instead:
    "open" lets everything in, "closed" nothing, "local" counts in this process until it is back, so that N gateways let
    in N times the limits at most. After a failure it is left alone for half a second, twice as long after each further
    one, 8 s at most. What Redis was asked to take, but told too late, is given back when it tells; what has ended while
    it was away, when it is back.

    A slot that its gateway does not renew expires after `slot_ttl_s`, so those of one that died come back. Where Redis
    could not be reached for so long, slots of requests in progress are lost, and others may be let in beside them.

    Redis' clock is the only clock. Set back, it goes on for each key from where it was; set forward, it lets what was
    used count for so much shorter.
    """

    def __init__(
        self,
        url: str,
        prefix: str,
        timeout_ms: float,
        slot_ttl_s: float,
        on_failure: Literal["open", "closed", "local"],
    ) -> None:
        self.settings = (url, prefix, timeout_ms, slot_ttl_s, on_failure)
        self._budget_s = timeout_ms / 1000
        self._renew_s = slot_ttl_s / 3
        self._on_failure = on_failure
        self._shared = SharedLimits(url, prefix, self._budget_s, slot_ttl_s)
        self.local = MemoryLimits()
        self._outage = Outage()
        self._slots: set[Held] = set()
        self._owed: deque[tuple[Held, int | None]] = deque(maxlen=_MOST_OWED)
        self._paying = False
        self._settled = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def enter(self, name: str, limits: Limits, tokens: int) -> Standing:
        told = await self._asked(self._shared.enter(name, limits, tokens), self._undo)
        if told is None:
            return await self._without(name, limits, tokens)
        if told.place is not None and told.place.slot:
            self._slots.add(told.place)
            if self._renewing is None:
                self._renewing = self._start(self._renew())
        return told

    async def settle(self, place: Any, tokens: int | None) -> None:
        if not isinstance(place, Held):
            await self.local.settle(place, tokens)
            return
        self._slots.discard(place)
        self._settled.set()
        known = self._outage.lasts  # then nothing is sent
        if await self._asked(self._shared.settle(place, tokens)) is None:
            # What was sent may have been done all the same: tokens must not be given back twice, a slot may.
            self._owed.append((place, tokens if known else None))

    async def look(self, name: str, limits: Limits) -> Standing:
        told = await self._asked(self._shared.enter(name, limits, 0, take=False))
        return Standing(without=self._on_failure) if told is None else told

    def succeed(self, old: Store) -> Store:
        """Counts in Redis are there still under the same prefix; what the old one counted itself goes with it."""
        if isinstance(old, RedisLimits):
            self.local = old.local
            return old if old.settings == self.settings else self
        return self

    async def close(self) -> None:
        """Returns when everything that was let in is settled."""
        while self._slots:
            self._settled.clear()
            await self._settled.wait()
        if self._renewing is not None:
            self._renewing.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._shared.close()

    async def _asked(self, work: Coroutine[Any, Any, T], late: Any = None) -> T | None:
        """What Redis says; None where it fails, or says it too late, which is then told to `late`.

        Nothing interrupts the work: whether Redis has taken what it was asked for has to be known.
        """
        if self._outage.lasts:
            work.close()
            return None
        task = self._start(work)
        try:
            await asyncio.wait([task], timeout=self._budget_s)
        except asyncio.CancelledError:
            self._when_done(task, late)
            raise
        if not task.done():
            self._when_done(task, late)
            self._outage.begin(TimeoutError(f"no answer within {self._budget_s:g} s"))
            return None
        error = task.exception()
        if error is not None:
            self._outage.begin(error)
            return None
        self._outage.end()
        if self._owed and not self._paying:
            self._paying = True
            self._start(self._pay())
        return task.result()

    async def _without(self, name: str, limits: Limits, tokens: int) -> Standing:
        if self._on_failure == "local":
            return (await self.local.enter(name, limits, tokens))._replace(without="local")
        return Standing(without=self._on_failure)

    def _when_done(self, task: "asyncio.Task[Any]", late: Any) -> None:
        def told(task: "asyncio.Task[Any]") -> None:
            if not task.cancelled() and task.exception() is None and late is not None:
                late(task.result())

        task.add_done_callback(told)

    def _undo(self, standing: Standing) -> None:
        if standing.place is not None:
            self._start(self._undone(standing.place))

    async def _undone(self, held: Held) -> None:
        try:
            await self._shared.settle(held, 0, undo=True)
        except Exception as error:  # noqa: BLE001  whatever the client of a store raises
            self._outage.begin(error)

    async def _pay(self) -> None:
        """What could not be settled while Redis was away: else its slots would be taken until they expire."""
        try:
            while self._owed:
                await self._shared.settle(*self._owed.popleft())
        except Exception as error:  # noqa: BLE001  whatever the client of a store raises
            self._outage.begin(error)
        finally:
            self._paying = False

    async def _renew(self) -> None:
        """As long as there are slots."""
        while self._slots:
            await asyncio.sleep(self._renew_s)
            if self._slots and not self._outage.lasts:
                try:
                    await self._shared.renew(self._slots)
                except Exception as error:  # noqa: BLE001  whatever the client of a store raises
                    self._outage.begin(error)
        self._renewing = None

    def _start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
