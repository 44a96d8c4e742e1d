"""What all windows so far say together."""

import math
from functools import cached_property

from vgate.harness.capacity.curve import Crossing, crossing
from vgate.harness.capacity.evidence import Evidence, Probe

NEAR = 0.15  # rates no further apart hang together alike
ENOUGH = 250  # independent requests near the crossing
MOST = 0.5  # where so many requests are bad, it is something else that lasts


class Known:
    """Windows by their rates. Immutable: `plus` makes the next.

    allowed: share of requests that may miss a limit. first: independent requests without which nothing is sure.
    """

    def __init__(self, allowed: float, first: int, evidence: dict[float, Evidence] | None = None) -> None:
        self._allowed = allowed
        self._first = first
        self.evidence = evidence or {}

    def plus(self, probe: Probe) -> "Known":
        """With one more window. How requests hang together shows only over many: neighbouring rates lend theirs."""
        before = self.evidence.get(probe.rate, Evidence([]))
        made = Known(self._allowed, self._first, {**self.evidence, probe.rate: Evidence([*before.probes, probe])})
        around = made.around(probe.rate)
        for rate in made._alike(probe.rate):
            made.evidence[rate] = made.evidence[rate].as_dependent_as(around)
        return made

    def around(self, rate: float) -> Evidence:
        """The windows at `rate` and near it, taken together."""
        return Evidence([probe for near in self._alike(rate) for probe in self.evidence[near].probes])

    @property
    def good(self) -> list[float]:
        """Rates that look good."""
        return [rate for rate, at in self.evidence.items() if at.looks_good(self._allowed)]

    @property
    def bad(self) -> list[float]:
        """Rates that look bad."""
        return [rate for rate, at in self.evidence.items() if not at.looks_good(self._allowed)]

    @cached_property
    def crossing(self) -> Crossing | None:
        """Where the targets cease to be met; None while nothing looks good or nothing looks bad."""
        return crossing(self.evidence, self._allowed) if self.good and self.bad else None

    @cached_property
    def passed(self) -> float | None:
        """Up to here the targets are met: by the curve, with 99 % probability, or where a rate shows it alone.

        What a rate shows alone it shows by the c = 0.99 rule; the curve's bound need not be a rate that was measured.
        """
        if self.crossing is not None:
            return self.crossing.sure if self._enough(self.crossing.rate) else None
        return max((rate for rate, at in self.evidence.items() if at.passes(self._allowed)), default=None)

    @cached_property
    def failed(self) -> float | None:
        """They are missed from here on: as above."""
        if self.crossing is not None:
            return self.crossing.missed if self._enough(self.crossing.rate) else None
        return min((rate for rate, at in self.evidence.items() if at.fails(self._allowed)), default=None)

    def _enough(self, rate: float) -> bool:
        """Whether what was seen near `rate` is worth as many independent requests as the percentile itself needs.

        And so many that how requests hang together is known, lest a search stop because that looked harmless.
        """
        return self.around(rate).independent >= max(self._first, ENOUGH)

    def _alike(self, rate: float) -> list[float]:
        near = [(other, at) for other, at in sorted(self.evidence.items()) if abs(math.log(other / rate)) <= NEAR]
        return [other for other, at in near if at.tallies and not at.overloaded and at.worst.share < MOST]
