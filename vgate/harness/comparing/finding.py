"""What came out, the same for a paired and an unpaired comparison: as text, as JSON, as exit code."""

import math
from dataclasses import dataclass, field
from typing import Any

from vgate.harness.comparing.decision import BETTER, SAME, UNDECIDED, WORSE, Decision
from vgate.harness.comparing.metric import Metric
from vgate.harness.comparing.sequence import ALPHA

# 2 is a wrong setting, as everywhere; 130 stopped.
EXIT_CODES = {BETTER: 0, SAME: 0, WORSE: 1, UNDECIDED: 3}
NOT_MEASURED = 4


@dataclass(frozen=True)
class Finding:
    """A decision, and what a reader must know before relying on it.

    values: the metric of A and of B, geometric mean over what was used; None without any.
    how: in which way it was measured, one line. data: what was used and left out, for JSON.
    failed: there was nothing to decide by.
    """

    names: tuple[str, str]
    metric: Metric
    margin: float
    decision: Decision
    values: tuple[float, float] | None
    how: str
    paired: bool
    notes: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    failed: bool = False

    @property
    def exit_code(self) -> int:
        """0 better or the same, 1 worse, 3 undecided, 4 nothing could be measured."""
        return NOT_MEASURED if self.failed else EXIT_CODES[self.decision.verdict]

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        margin = f"{math.expm1(self.margin):.1%}"
        verdict = {
            BETTER: f"B is better than A by more than {margin}",
            WORSE: f"B is worse than A by more than {margin}",
            SAME: f"B is the same as A within {margin}",
            UNDECIDED: f"Undecided whether B is better, worse or the same within {margin}",
        }[self.decision.verdict]
        return f"{verdict}: {self._effect()}."

    @property
    def text(self) -> str:
        """Everything, for a terminal."""
        sides = [f"{side}: {name}{self._value(i)}" for i, (side, name) in enumerate(zip("AB", self.names, strict=True))]
        return "\n".join([self.headline, *sides, self.how, *self.notes])

    @property
    def document(self) -> dict[str, Any]:
        """Everything, as plain data. Changes are those of the metric from A to B: 0.05 is 5 % more."""
        change = self._changes()
        return {
            "verdict": self.decision.verdict,
            "exit_code": self.exit_code,
            "headline": self.headline,
            "metric": self.metric.column,
            "higher_is_better": self.metric.higher_is_better,
            "margin": math.expm1(self.margin),
            "change": change and change[0],
            "interval": change and change[1],
            "confidence": 1 - ALPHA,
            "paired": self.paired,
            "a": {"name": self.names[0], "value": self.values and self.values[0]},
            "b": {"name": self.names[1], "value": self.values and self.values[1]},
            "how": self.how,
            "notes": self.notes,
            **self.data,
        }

    def _changes(self) -> tuple[float, tuple[float, float] | None] | None:
        """The metric's relative change from A to B, and its interval; None without any measurement."""
        if math.isnan(self.decision.effect):
            return None
        turn = 1 if self.metric.higher_is_better else -1
        change = math.expm1(turn * self.decision.effect)
        if self.decision.interval is None:
            return change, None
        low, high = sorted(math.expm1(turn * bound) for bound in self.decision.interval)
        return change, (low, high)

    def _effect(self) -> str:
        changes = self._changes()
        if changes is None:
            return "nothing could be measured"
        change, interval = changes
        told = f"{self.metric.column} changes by {change:+.1%}"
        if interval is None:
            return f"{told}, too few measurements for an interval"
        return f"{told}, 95 % interval {interval[0]:+.1%} to {interval[1]:+.1%}"

    def _value(self, side: int) -> str:
        return f" ({self.metric.column} {self.values[side]:.4g})" if self.values else ""
