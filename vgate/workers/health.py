"""Health checks of one worker, with hysteresis."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from vgate.config.errors import one_line
from vgate.workers.worker import Health, Probe, Worker

logger = logging.getLogger(__name__)

Check = Callable[[Worker], Awaitable[Probe]]
# A share of the interval, either way, so that workers and gateways do not check in step.
JITTER = 0.1
# While a worker seems to be changing, and after a request to it has failed, it is checked so many times as often.
HASTE = 4


@dataclass(frozen=True)
class HealthPolicy:
    """When a worker is ready. Takes the keys of the section `health`.

    path:         asked for; None: see `vgate.workers.probe`.
    interval_s:   between two checks.
    timeout_s:    a check that takes longer has failed.
    rise, fall:   good checks in a row until one that was down is ready; bad ones until one that was ready is down.
    slow_start_s: how long one that has become ready gets less than its share.
    """

    path: str | None
    interval_s: float
    timeout_s: float
    rise: int
    fall: int
    slow_start_s: float

    @property
    def return_s(self) -> float:
        """The longest time from when a worker is ready again until it is taken for it, whatever it did before."""
        slowest = self.interval_s * (1 + JITTER)
        return self.timeout_s + slowest + (self.rise - 1) * slowest / HASTE + self.rise * self.timeout_s


class Checks:
    """Checks a worker until cancelled, sets its health and models, and calls `changed` with what its health was.

    Of a worker that has not been checked yet the first check decides.
    """

    def __init__(
        self,
        worker: Worker,
        check: Check,
        policy: HealthPolicy,
        changed: Callable[[Health], None],
        rng: random.Random,
    ) -> None:
        self._worker = worker
        self._check = check
        self._policy = policy
        self._changed = changed
        self._rng = rng
        self._hurry = asyncio.Event()
        self._good = self._bad = 0
        self.failed = 0
        self.due = 0.0  # the event loop's time of the next check

    def hurry(self) -> None:
        """Something suggests that its health has changed: check as soon as another check is allowed."""
        self._hurry.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._hurry.clear()
            self._judge(await self._probe())
            await self._pause()

    async def _probe(self) -> Probe:
        try:
            async with asyncio.timeout(self._policy.timeout_s):
                return await self._check(self._worker)
        except TimeoutError:
            return Probe(False, why=f"no answer within {self._policy.timeout_s:g} s")
        except Exception as error:  # noqa: BLE001  whatever keeps it from answering
            return Probe(False, why=one_line(f"{type(error).__name__}: {error}")[:200])

    async def _pause(self) -> None:
        pause_s = self._policy.interval_s * self._rng.uniform(1 - JITTER, 1 + JITTER)
        least_s = pause_s / HASTE
        now = asyncio.get_running_loop().time()
        self.due = now + (least_s if self._changing else pause_s)
        await asyncio.sleep(least_s)
        if self._changing:
            return
        try:
            async with asyncio.timeout_at(self.due):
                await self._hurry.wait()
        except TimeoutError:
            return

    @property
    def _changing(self) -> bool:
        return bool(self._bad if self._worker.health == "ready" else self._good)

    def _judge(self, found: Probe) -> None:
        if found.ready:
            self._good, self._bad = self._good + 1, 0
            if found.models is not None and found.models != self._worker.told:
                self._worker.learn(found.models)
        else:
            self._good, self._bad = 0, self._bad + 1
            self.failed += 1
        before, after = self._worker.health, self._health(found)
        if after != before:
            self._worker.health = after
            self._tell(before, found)
        self._changed(before)

    def _health(self, found: Probe) -> Health:
        before = self._worker.health
        if before == "new":
            return "ready" if found.ready else "down"
        if before == "down":
            return "ready" if self._good >= self._policy.rise else "down"
        return "down" if self._bad >= self._policy.fall or (found.sure and not found.ready) else "ready"

    def _tell(self, before: Health, found: Probe) -> None:
        fields = {"worker": self._worker.name, "url": self._worker.url}
        if found.ready:
            logger.info("worker ready", extra={**fields, "models": sorted(self._worker.models or ())[:16]})
        else:
            told = "worker not ready" if before == "new" else "worker down"
            logger.warning(told, extra={**fields, "why": found.why})
