"""From a request to the first bytes of its answer: which workers are asked, in turn or side by side."""

import asyncio
import logging

from vgate.errors import ApiError
from vgate.routing.base import Hint
from vgate.types import Call
from vgate.upstream.asking import Asking
from vgate.upstream.client import BETWEEN, FIRST, Client
from vgate.upstream.connection import Connection
from vgate.upstream.events import is_keep_alive
from vgate.upstream.failures import UpstreamError
from vgate.upstream.tokens import tells
from vgate.upstream.translated import Failed, begins_with_error, lost, refused, unusable
from vgate.workers.lease import Lease
from vgate.workers.pool import Pool
from vgate.workers.worker import Outcome, Worker

logger = logging.getLogger(__name__)


class Opened:
    """An answer that has begun. `first`: of a stream what came first, of a whole answer all of it. `tokens`: it
    tells its tokens, which were asked for on V-Gate's own account.

    End it with `close`: `ok` when it was read to its end, else the worker sees that nobody waits any more.
    """

    __slots__ = ("_client", "_closed", "_connection", "_lease", "first", "tokens")

    def __init__(self, client: Client, lease: Lease, connection: Connection, first: bytes, *, tokens: bool) -> None:
        self._client = client
        self._lease = lease
        self._connection = connection
        self._closed = False
        self.first = first
        self.tokens = tokens

    @property
    def worker(self) -> Worker:
        """Who answers."""
        return self._lease.worker

    async def more(self, since: float) -> bytes:
        """What comes next; b"" at the end. Raises UpstreamError. `since`: when an event has been waited for first."""
        return await self._connection.more(self._client.timeouts.between_s, BETWEEN, since)

    def close(self, outcome: Outcome) -> None:
        """Only the first call counts."""
        if self._closed:
            return
        self._closed = True
        self._lease.done(outcome)
        connection = self._connection
        if outcome == "ok":
            self._client.over(self.worker, connection)
        else:
            connection.abort()


class Opening:
    """Asks one worker; another one where that has failed and the retry budget allows it; a second one beside a slow
    first one where hedging is on. Nothing has gone to the client yet.
    """

    def __init__(self, client: Client, pool: Pool, max_attempts: int, hedge_after_ms: float | None) -> None:
        self._client = client
        self._pool = pool
        self._max_attempts = max_attempts
        self._hedge_after_s = None if hedge_after_ms is None else hedge_after_ms / 1000

    async def first(self, call: Call, asking: Asking, failed: Worker | None = None) -> Opened:
        """The answer that begins. `failed`: has been tried before. Raises ApiError."""
        tried: list[Worker] = [failed] if failed else []
        hint = Hint.of(call)
        lease = self._pool.lease(asking.model, hint, tried)
        while True:
            try:
                if self._hedge_after_s is None:
                    return await self.attempt(lease, asking)
                return await self._hedged(lease, asking, hint, tried)
            except Failed as failure:
                tried.append(lease.worker)
                again = failure.elsewhere and len(tried) < self._max_attempts
                another = self._another(asking, hint, tried) if again else None
                if another is None:
                    raise failure.error from None
                lease = another

    def _another(self, asking: Asking, hint: Hint, tried: list[Worker]) -> Lease | None:
        """A place at one that has not been tried, if there is one and the budget allows it."""
        try:
            lease = self._pool.lease(asking.model, hint, tried)
        except ApiError:
            return None
        if self._pool.may_retry():
            return lease
        lease.done("left")
        return None

    async def attempt(self, lease: Lease, asking: Asking) -> Opened:
        """One worker's answer as far as its first bytes. Raises Failed; then the lease is done."""
        worker, client, connection = lease.worker, self._client, None
        try:
            connection = await client.post(worker, asking.path, asking.body_for(worker), asking.headers)
            first = await self._begun(connection, stream=asking.stream)
            lease.begun()
            return Opened(client, lease, connection, first, tokens=asking.tokens and tells(worker, asking.model))
        except UpstreamError as error:
            raise self._ended(lease, connection, lost(error)) from None
        except Failed as failed:
            raise self._ended(lease, connection, failed) from None
        except BaseException:
            self._drop(lease, connection, "left")
            raise

    async def _begun(self, connection: Connection, *, stream: bool) -> bytes:
        """What comes first, if it is an answer. Raises Failed and UpstreamError."""
        timeouts = self._client.timeouts
        if connection.status != 200:
            body = await connection.rest(timeouts.between_s, BETWEEN)
            raise refused(connection.status, connection.headers, body)
        sent = connection.sent_at
        first = await connection.more(timeouts.first_byte_s, FIRST, sent)
        while stream and is_keep_alive(first) and (piece := await connection.more(timeouts.first_byte_s, FIRST, sent)):
            first = first[first.rfind(b"\n") + 1 :] + piece
        if not stream or first.startswith(b"{"):  # no stream, though one was asked for
            first += await connection.rest(timeouts.first_byte_s, FIRST, sent)
            failed = unusable(first, stream=stream)
        else:
            failed = begins_with_error(first)
        if failed is not None:
            raise failed
        return first

    def _ended(self, lease: Lease, connection: Connection | None, failed: Failed) -> Failed:
        if failed.outcome != "ok":
            what = "a worker failed" if failed.outcome == "failed" else "a worker is busy"
            logger.warning(what, extra=failed.in_log(lease.worker))
        self._drop(lease, connection, failed.outcome, failed.retry_after_s)
        return failed

    def _drop(
        self, lease: Lease, connection: Connection | None, outcome: Outcome, retry_after_s: float | None = None
    ) -> None:
        lease.done(outcome, retry_after_s)
        if connection is None:
            return
        if connection.reusable:  # an error's answer has been read
            self._client.over(lease.worker, connection)
        else:
            connection.abort()

    async def _hedged(self, lease: Lease, asking: Asking, hint: Hint, tried: list[Worker]) -> Opened:
        """The first of two answers to begin; the other is given up. One that fails leaves it to the other."""
        tasks = [asyncio.create_task(self.attempt(lease, asking))]
        try:
            await asyncio.wait(tasks, timeout=self._hedge_after_s)
            if not tasks[0].done():
                beside = self._beside(lease, asking, hint, tried)
                tasks += [asyncio.create_task(self.attempt(beside, asking))] if beside else []
            decided = await _decided(tasks)
            if decided is not tasks[0] and decided.exception() is None:
                self._pool.hedge_won()
            tasks.remove(decided)
            return decided.result()
        finally:
            give_up(tasks)

    def _beside(self, lease: Lease, asking: Asking, hint: Hint, tried: list[Worker]) -> Lease | None:
        """A place at a second worker, which has been tried from now on."""
        if len(tried) + 1 >= self._max_attempts:
            return None
        try:
            second = self._pool.lease(asking.model, hint, [*tried, lease.worker])
        except ApiError:
            return None
        if self._pool.may_hedge():
            tried.append(second.worker)
            return second
        second.done("left")
        return None


async def _decided(tasks: list["asyncio.Task[Opened]"]) -> "asyncio.Task[Opened]":
    """Who answers first, be it with an error of the request's own, which all would give; where all fail, the first."""
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            failure = task.exception()
            if not isinstance(failure, Failed) or failure.outcome == "ok":
                return task
    return tasks[0]


def give_up(tasks: list["asyncio.Task[Opened]"]) -> None:
    """Cancel those that run; an answer that has begun meanwhile is closed. Waits for none: it may be cancelled too."""
    for task in tasks:
        task.cancel()
        task.add_done_callback(_closed)


def _closed(task: "asyncio.Task[Opened]") -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close("left")
