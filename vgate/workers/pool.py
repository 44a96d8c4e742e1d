"""All workers together: who they are, how they are doing, and which one gets the next request."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

from vgate.routing.base import Hint, Routing
from vgate.types import Capacity, Occupancy
from vgate.workers.source import Source
from vgate.workers.worker import Outcome, Probe, Worker

Check = Callable[[Worker], Awaitable[Probe]]


class Lease:
    """A request's place at a worker, from when it was chosen until `done`."""

    def __init__(self, pool: "Pool", worker: Worker, *, trial: bool) -> None:
        self.worker = worker
        self._pool = pool
        self._trial = trial

    def done(self, outcome: Outcome, retry_after_s: float | None = None) -> None:
        """How it has ended. To be called in any case; the first call counts, later ones do nothing.

        ok:     it answered, be it with an error that is the request's own fault (4xx).
        failed: no connection, it broke off, no answer in time, 5xx: what the circuit breaker counts.
        busy:   429, or 503 with Retry-After, given here in seconds: it is left alone for so long. No failure.
        left:   the client went away, or another worker was faster: says nothing of this one.
        """


class Pool:
    """Gives out leases of workers. All but `start` and `stop` is done at once, in time linear in the workers.

    Made by `vgate.workers.assembly.pool_of`.
    """

    async def start(self) -> None:
        """Find the workers and check each of them once, then go on in the background.

        Returns when one is ready, or when every one that the first list has was checked. Raises EngineStartError when
        the source can give no list at all.
        """

    async def stop(self) -> None:
        """End the background work; leases stay valid. May be called twice."""

    def lease(self, model: str | None, hint: Hint, exclude: Collection[Worker] = ()) -> Lease:
        """A place at the worker that routing chooses among those that serve the model, are ready and have room.

        Those in `exclude` are not given: they have been tried. Raises ApiError: 404 `model_not_found` when no worker
        serves the model; 503 `not_ready` when none that does is ready, `overloaded` when all that are have no room or
        have asked to be left alone; both with Retry-After.
        """
        raise NotImplementedError

    def may_retry(self) -> bool:
        """Whether another try of a request, before its first byte, is within the budget; takes it from there."""
        raise NotImplementedError

    def may_hedge(self) -> bool:
        """The same for a second worker that is asked before the first one has answered."""
        raise NotImplementedError

    def continued(self) -> None:
        """A stream that broke off goes on at another worker: counted, not part of the budget."""

    def hedge_won(self) -> None:
        """The second worker was faster: counted."""

    def follow(self, source: Source) -> None:
        """Take the workers from another source from now on; those that both know stay as they are."""

    def route(self, routing: Routing) -> None:
        """Choose by another routing from now on."""

    @property
    def workers(self) -> Sequence[Worker]:
        """All that are known, those that are leaving too, by name."""
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Whether a request could be given to some worker: it is ready, whether or not it has room now."""
        raise NotImplementedError

    @property
    def back_in_s(self) -> float | None:
        """Seconds until the next check that could find one ready."""
        raise NotImplementedError

    @property
    def capacity(self) -> Capacity:
        """`sequences`: the bounds of all ready workers together; None where one of them has no bound."""
        raise NotImplementedError

    @property
    def occupancy(self) -> Occupancy:
        """`running`: leases that are not done."""
        raise NotImplementedError

    @property
    def fingerprint(self) -> str:
        """Of what the workers say of the models that they serve: all that may decide an answer, of all workers.

        It does not change when a worker goes down or a second one like the first comes.
        """
        raise NotImplementedError

    def models(self) -> list[dict[str, Any]]:
        """The objects of `/v1/models` of all workers, each id once, sorted."""
        raise NotImplementedError
