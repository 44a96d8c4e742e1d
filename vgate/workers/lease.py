"""A request's place at a worker."""

from collections.abc import Callable

from vgate.workers.worker import Outcome, Worker

Ended = Callable[["Lease", Outcome, float | None], None]


class Lease:
    """A request's place at a worker, from when it was chosen until `done`.

    trial: the worker's circuit breaker waits for how this one ends.
    """

    __slots__ = ("_ended", "_passed", "worker")

    def __init__(self, worker: Worker, ended: Ended, passed: Callable[[], None] | None = None) -> None:
        self.worker = worker
        self._ended: Ended | None = ended
        self._passed = passed

    @property
    def trial(self) -> bool:
        return self._passed is not None

    def begun(self) -> None:
        """The answer has begun, and may go on for minutes: a trial has succeeded with that. Once is enough."""
        passed, self._passed = self._passed, None
        if passed is not None:
            passed()

    def done(self, outcome: Outcome, retry_after_s: float | None = None) -> None:
        """How it has ended. To be called in any case; the first call counts, later ones do nothing.

        ok:     it answered, be it with an error that is the request's own fault (4xx).
        failed: no connection, it broke off, no answer in time, 5xx: what the circuit breaker counts.
        busy:   429, or 503 with Retry-After, given here in seconds: it is left alone for so long. No failure.
        left:   the client went away, or another worker was faster: says nothing of this one.
        """
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(self, outcome, retry_after_s)
