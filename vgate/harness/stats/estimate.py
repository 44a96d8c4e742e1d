"""What an estimator says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A number and how far it may be off.

    value:     None where it is undefined or refused.
    low, high: the 95 % interval; None where there is none.
    n, n_eff:  samples, and how many independent ones would tell as much; None where that has no meaning.
    why:       why the value or its interval is missing, in words.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    n_eff: float | None = None
    why: str | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """(low, high), if there are both."""
        return None if self.low is None or self.high is None else (self.low, self.high)
