"""Looking for a worker that goes on with a stream whose own has broken off."""

import asyncio
import logging
from collections.abc import Callable

from vgate.errors import ApiError
from vgate.routing.base import Hint
from vgate.types import Call
from vgate.upstream.asking import Asking
from vgate.upstream.onward import continued
from vgate.upstream.opening import Opened, Opening, give_up
from vgate.upstream.said import Said
from vgate.upstream.translated import Failed
from vgate.workers.lease import Lease
from vgate.workers.pool import Pool
from vgate.workers.worker import Worker

logger = logging.getLogger(__name__)

_PAUSE_S = 0.1
# What becomes of an event before it goes out; None: the client has had it.
Seam = Callable[[bytes], bytes | None]


class Search:
    """For one stream, once. `broken` is asked again only when nobody else is there.

    wait_s: for all tries together. A worker that has not begun after half of what is left of it is given up if another
    one can be asked instead, else at its end: what keeps it silent may be a queue, to whose end the next try would go.
    """

    def __init__(  # noqa: PLR0913, PLR0917  one stream's parts
        self, opening: Opening, pool: Pool, call: Call, asking: Asking, said: Said, broken: Worker, wait_s: float
    ) -> None:
        self._opening = opening
        self._pool = pool
        self._call = call
        self._asking = asking
        self._said = said
        self._tried = [broken]
        self._wait_s = wait_s
        self._loop = asyncio.get_running_loop()
        self._until = self._loop.time() + wait_s
        self._next_lease: Lease | None = None

    async def found(self, error: ApiError) -> tuple[Opened, Seam]:
        """Another worker's stream, and how it goes on from what was said. Raises ApiError; `error`: what broke it."""
        try:
            while self._loop.time() < self._until:
                try:
                    found = await self._next()
                except Failed as failed:
                    error, found = failed.error, None
                if found:
                    return found
        finally:
            if self._next_lease is not None:
                self._next_lease.done("left")
        why = f"No other worker went on with it within {self._wait_s:g} s (engine.continue_wait_s)."
        raise ApiError(error.status, f"{error.message} {why}", error.kind, code="stream_broken")

    async def _next(self) -> tuple[Opened, Seam] | None:
        """The stream of one that has not been tried; None, after a pause, where there is none, and all may be again.

        Raises Failed, and ApiError for what is wrong with the request.
        """
        lease, self._next_lease = self._next_lease or self._place(), None
        if lease is None:
            self._tried.clear()
            await asyncio.sleep(_PAUSE_S)
            return None
        self._tried.append(lease.worker)
        try:
            again, seam = continued(self._call, self._asking, self._said, lease.worker)
        except BaseException:
            lease.done("left")
            raise
        try:
            opened = await self._begun(lease, again)
        except Failed as failed:
            if failed.outcome == "ok":
                raise failed.error from None
            raise
        return None if opened is None else (opened, seam)

    def _place(self) -> Lease | None:
        try:
            return self._pool.lease(self._asking.model, Hint.of(self._call), self._tried)
        except ApiError:
            return None

    async def _begun(self, lease: Lease, asking: Asking) -> Opened | None:
        """The worker's stream as far as its first bytes; None: it was given up. Raises Failed."""
        trying = asyncio.create_task(self._opening.attempt(lease, asking))
        half_s = (self._until - self._loop.time()) / 2
        try:
            await asyncio.wait([trying], timeout=half_s)
            if not trying.done():
                self._next_lease = self._place()
            if not trying.done() and self._next_lease is None:
                await asyncio.wait([trying], timeout=half_s)
            if trying.done():
                return trying.result()
        except BaseException:
            give_up([trying])
            raise
        give_up([trying])
        told = {"worker": lease.worker.name, "call_id": self._call.id}
        logger.warning("a worker did not go on with a stream in time", extra=told)
        return None
