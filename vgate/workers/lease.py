"""A request's place at a worker."""

from collections.abc import Callable

from vgate.workers.worker import Outcome, Worker

Ended = Callable[[Outcome, float | None], None]


class Lease:
    """A request's place at a worker, from when it was chosen until `done`."""

    __slots__ = ("_ended", "worker")

    def __init__(self, worker: Worker, ended: Ended) -> None:
        self.worker = worker
        self._ended: Ended | None = ended

    def done(self, outcome: Outcome, retry_after_s: float | None = None) -> None:
        """How it has ended. To be called in any case; the first call counts, later ones do nothing.

        ok:     it answered, be it with an error that is the request's own fault (4xx).
        failed: no connection, it broke off, no answer in time, 5xx: what the circuit breaker counts.
        busy:   429, or 503 with Retry-After, given here in seconds: it is left alone for so long. No failure.
        left:   the client went away, or another worker was faster: says nothing of this one.
        """
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(outcome, retry_after_s)
