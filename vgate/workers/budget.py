"""How many requests may be tried once more."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """Takes the keys of the section `retry`.

    max_attempts: times that one request may be sent, the first included.
    share:        retries, as a share of requests.
    reserve:      retries beyond that, once.
    """

    max_attempts: int
    share: float
    reserve: int


class RetryBudget:
    """Every request puts `share` of a retry in, every retry takes one out: a fleet that is failing is not asked twice.

    At any time retries <= reserve + share * requests. No more is saved up than `reserve`, or than requests are in
    flight if these are more: so many may fail at once when a worker dies.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._share = policy.share
        self._reserve = self._balance = float(policy.reserve)
        self.allowed = 0
        self.refused = 0

    def put(self, in_flight: int) -> None:
        """A request has come; so many are in flight now."""
        self._balance = max(self._balance, min(self._balance + self._share, max(self._reserve, float(in_flight))))

    def take(self) -> bool:
        """Whether there is enough for one more; takes it."""
        taken = self._taken(0)
        self.refused += not taken
        return taken

    def take_spare(self) -> bool:
        """The same for what is not needed: half of the reserve stays for requests that fail, and a no is no refusal."""
        return self._taken(self._reserve / 2)

    def _taken(self, leave: float) -> bool:
        # A tenth is no binary number: after ten requests there is one retry.
        if self._balance < leave + 1 - 1e-9:
            return False
        self._balance -= 1
        self.allowed += 1
        return True
