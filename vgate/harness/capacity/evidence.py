"""What measurements at one rate say, requests that wait behind one another taken into account."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from vgate.harness.capacity.early_stopping import fails, passes

BLOCKS = 5  # of a window, in which a rising queue shows
RISE = 2.0  # so many times as long at the end of a window as at its beginning, if the queue rises
ERRORS = 1.5  # standard errors that are added to how much requests hang together
TAIL = 0.9  # where few are bad, how requests hang together is seen at this quantile of their margins


@dataclass(frozen=True)
class Probe:
    """One window at one rate.

    margins: limit -> value / limit of each request due in the window, in the order due. Above 1 is bad, an error is
    infinite, a limit that does not apply to a request is 0.
    sent: what it cost, in requests: warm-up and drain included. seconds: what it cost in time.
    faults: why it may not be believed, in words. kept: measured in an earlier sitting.
    """

    rate: float
    margins: dict[str, np.ndarray]
    sent: int
    seconds: float
    faults: tuple[str, ...] = ()
    kept: bool = False

    @property
    def count(self) -> int:
        """Requests due in the window."""
        return len(next(iter(self.margins.values())))

    @property
    def attainment(self) -> float:
        """Share of them that met all limits. Needs a request."""
        return float(np.all([margins <= 1 for margins in self.margins.values()], axis=0).mean())


@dataclass(frozen=True)
class Tally:
    """Bad requests of one limit. inflation: how many requests say as much as one independent one would."""

    count: int
    bad: int
    inflation: float

    @property
    def share(self) -> float:
        return self.bad / self.count if self.count else 0.0

    @property
    def effective(self) -> float:
        return self.count / self.inflation

    @property
    def effective_bad(self) -> float:
        return self.bad / self.inflation

    def passes(self, allowed: float) -> bool:
        """At 99 % confidence at most the share `allowed` is bad."""
        return passes(self.effective, self.effective_bad, allowed)

    def fails(self, allowed: float) -> bool:
        """At 99 % confidence more than the share `allowed` is bad."""
        return fails(self.effective, self.effective_bad, allowed)


class Evidence:
    """Windows at one rate, or at rates so near that they are taken together."""

    def __init__(self, probes: Sequence[Probe]) -> None:
        self.probes = [probe for probe in probes if probe.count]

    @property
    def count(self) -> int:
        return sum(probe.count for probe in self.probes)

    @cached_property
    def tallies(self) -> dict[str, Tally]:
        """Limit -> its tally; empty without a request."""
        if not self.probes:
            return {}
        rates = np.repeat([probe.rate for probe in self.probes], [probe.count for probe in self.probes])
        return {
            limit: tally(np.concatenate([probe.margins[limit] for probe in self.probes]), rates)
            for limit in self.probes[0].margins
        }

    def as_dependent_as(self, around: "Evidence") -> "Evidence":
        """The same with the inflation of `around`, which holds these windows and more: short ones say little of it."""
        made = Evidence(self.probes)
        made.overloaded = self.overloaded
        inflations = {limit: tally.inflation for limit, tally in around.tallies.items()}
        made.tallies = {limit: replace(own, inflation=inflations[limit]) for limit, own in self.tallies.items()}
        return made

    @property
    def independent(self) -> float:
        """So many independent requests would say as much, of the limit that hangs together most."""
        return min((tally.effective for tally in self.tallies.values()), default=0.0)

    @property
    def worst(self) -> Tally:
        """That of the limit that was missed most often. Needs a request."""
        return max(self.tallies.values(), key=lambda tally: tally.share)

    @cached_property
    def overloaded(self) -> bool:
        """Whether the queue rose through a window until most requests were bad."""
        return any(rises(margins) for probe in self.probes for margins in probe.margins.values())

    def passes(self, allowed: float) -> bool:
        """At 99 % confidence, for each limit, at most the share `allowed` is bad."""
        return bool(self.tallies) and not self.overloaded and all(t.passes(allowed) for t in self.tallies.values())

    def fails(self, allowed: float) -> bool:
        """At 99 % confidence, for some limit, more than the share `allowed` is bad."""
        return self.overloaded or any(t.fails(allowed) for t in self.tallies.values())

    def looks_good(self, allowed: float) -> bool:
        """What one would say without asking how sure it is."""
        return not self.overloaded and all(t.share <= allowed for t in self.tallies.values())


def tally(margins: np.ndarray, rates: np.ndarray | None = None) -> Tally:
    """The tally of margins in their order, window after window. rates: at which each was measured; None: all at one."""
    bad = margins > 1
    threshold = 1.0 if bad.mean() >= 1 - TAIL else float(np.sort(margins)[int(TAIL * (len(margins) - 1))])
    return Tally(len(margins), int(bad.sum()), inflation(margins > threshold, rates))


def inflation(flags: np.ndarray, rates: np.ndarray | None = None) -> float:
    """Integrated autocorrelation 1 + 2 (rho_1 + rho_2 + ...) of a yes/no sequence, and its standard error on top.

    Requests that wait behind the same others are good or bad together: the variance of the share of bad ones is so
    many times that of independent requests. The sum ends where two neighbouring lags together are no longer positive
    (Geyer 1992, initial positive sequence); after M lags of n its relative error is sqrt(2 (2 M + 1) / n) (Madras and
    Sokal 1988). A search that stops as soon as it is sure stops where the sum happens to be small: hence the error on
    top. That more are bad at one rate than at another is no correlation: each rate has its own mean.
    """
    count = len(flags)
    _, at = np.unique(np.zeros(count) if rates is None else rates, return_inverse=True)
    centred = flags - (np.bincount(at, flags) / np.bincount(at))[at]
    size = 1 << (2 * count - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    covariances = np.fft.irfft(spectrum * np.conj(spectrum), size)[:count]
    if covariances[0] <= 1e-12 * count:
        return 1.0
    pairs = (covariances[1:-1:2] + covariances[2::2]) / covariances[0]
    end = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    time = max(1.0, 1.0 + 2.0 * float(pairs[:end].sum()))
    return time * (1.0 + ERRORS * math.sqrt(2 * (4 * end + 1) / count))


def rises(margins: np.ndarray) -> bool:
    """Whether margins climb through a window, block by block, to where most are bad: more comes than is served."""
    if len(margins) < 10 * BLOCKS:
        return False
    medians = [float(np.median(block)) for block in np.array_split(margins, BLOCKS)]
    climbs = all(later > earlier for earlier, later in pairwise(medians))
    return climbs and medians[-1] > 1 and medians[-1] > RISE * medians[0]
