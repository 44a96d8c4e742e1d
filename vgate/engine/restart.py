"""Keeping an engine alive: a core that has died is replaced, after pauses that grow while replacing it fails."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from vgate.errors import EngineStartError

logger = logging.getLogger(__name__)

# How soon a death is noticed here. Requests and `/ready` do not wait for it: they ask the core itself.
CHECK_S = 0.2
# How often it is asked whether it still works.
PING_S = 5.0


class Core(Protocol):
    """What runs the model, from its loading to its death."""

    @property
    def alive(self) -> bool:
        """False once it has died. It does not come back."""

    async def ping(self) -> None:
        """Return when it has shown that it works, between two steps; raise when it has died."""

    async def stop(self) -> None:
        """End it, dead or alive or hanging, and free what it holds."""


C = TypeVar("C", bound=Core)


@dataclass(frozen=True)
class RestartPolicy:
    """When to replace a dead core. Takes the keys of the section `restart`."""

    max_attempts: int
    backoff_s: float
    max_backoff_s: float
    stable_s: float
    hang_timeout_s: float

    def pause_s(self, attempt: int) -> float:
        """Before the so-many-th attempt, from 1: doubled each time, up to `max_backoff_s`."""
        return min(self.backoff_s * 2.0 ** min(attempt - 1, 64), self.max_backoff_s)


class Restarting(Generic[C]):
    """Holds a core. `watch` replaces it when it has died, or has not answered for `hang_timeout_s`.

    An attempt is a replacement that was tried; they are counted until a core has run for `stable_s`. `section` is
    where the settings are.
    """

    def __init__(self, load: Callable[[], Awaitable[C]], policy: RestartPolicy, section: str = "engine") -> None:
        self._load = load
        self._policy = policy
        self._section = section
        self._core: C | None = None
        self._since = 0.0
        self._loading_s = 0.0
        self._due = 0.0
        self._attempts = 0
        self._stopped = False
        self.deaths = 0
        self.restarts = 0

    @property
    def core(self) -> C | None:
        """The core if it is there and alive."""
        return self._core if self._core is not None and self._core.alive else None

    @property
    def back_in_s(self) -> float | None:
        """Seconds until the next core should be there, if loading takes as long as last time. None: nobody can tell."""
        left = self._due - asyncio.get_running_loop().time()
        return left if left > 0 and self.core is None else None

    async def start(self) -> None:
        """Load the first core; raises what loading raises."""
        self._stopped = False
        self._core = await self._loaded()

    async def stop(self) -> None:
        """End the core. One that is being loaded ends when it has been."""
        self._stopped = True
        core, self._core = self._core, None
        if core is not None:
            await core.stop()

    async def watch(self) -> None:
        """Replace the core whenever it dies. Returns when stopped; raises EngineStartError when it gives up."""
        while not self._stopped:
            if self._core is not None:
                await self._until_dead(self._core)
            if self._core is not None and not self._stopped:
                self.deaths += 1
                await self._replace()
            await asyncio.sleep(CHECK_S)

    async def _until_dead(self, core: C) -> None:
        """Return when it has died, hangs, or was stopped."""
        ping, last = asyncio.create_task(_answer(core)), asyncio.get_running_loop().time()
        try:
            while core.alive and not self._stopped:
                now = asyncio.get_running_loop().time()
                if ping.done() and now - last >= PING_S:
                    ping, last = asyncio.create_task(_answer(core)), now
                elif not ping.done() and now - last >= self._policy.hang_timeout_s:
                    logger.error("engine hangs", extra={"hang_timeout_s": self._policy.hang_timeout_s})
                    return
                await asyncio.sleep(CHECK_S)
        finally:
            ping.cancel()

    async def _replace(self) -> None:
        if asyncio.get_running_loop().time() - self._since >= self._policy.stable_s:
            self._attempts = 0
        cause = "it died again"
        while not self._stopped:
            self._count(cause)
            try:
                await self._discard()
                await asyncio.sleep(self._policy.pause_s(self._attempts))
                self._core = await self._loaded()
            except EngineStartError as error:
                cause = str(error)
                continue
            self.restarts += 1
            logger.info("engine restarted", extra={"restarts": self.restarts})
            return

    def _count(self, cause: str) -> None:
        """One attempt more. Raises EngineStartError with the last one's cause if that is too many."""
        if self._attempts >= self._policy.max_attempts:
            after = f"after {self._attempts} restarts in a row: {cause}" if self._attempts else "and is not restarted"
            raise EngineStartError(f"the engine died {after} ({self._section}.restart.max_attempts)")
        self._attempts += 1
        pause_s = self._policy.pause_s(self._attempts)
        self._due = asyncio.get_running_loop().time() + pause_s + self._loading_s
        told = {"attempt": self._attempts, "max_attempts": self._policy.max_attempts, "pause_s": pause_s}
        logger.error("engine died, restarting", extra=told if self._attempts == 1 else {**told, "cause": cause})

    async def _discard(self) -> None:
        core, self._core = self._core, None
        if core is not None:
            try:
                await core.stop()
            except Exception:  # what is left of a dead core does not keep the next one from starting
                logger.exception("the dead engine left something behind")

    async def _loaded(self) -> C:
        began = asyncio.get_running_loop().time()
        core = await self._load()
        if self._stopped:
            await core.stop()
            raise EngineStartError("stopped while loading")
        self._since = asyncio.get_running_loop().time()
        self._loading_s = self._since - began
        return core


async def _answer(core: Core) -> None:
    with contextlib.suppress(Exception):  # an error is an answer; of a death the core tells itself
        await core.ping()
