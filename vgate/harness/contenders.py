"""Cells that measure the same thing, together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean
from typing import Any

from vgate.harness.results import Result


@dataclass
class Contender:
    """Rounds of one configuration, and configurations that differ in nothing effective.

    key: their `effective_hash`; values: round -> label -> the metric that decides, of valid measurements.
    bad: round -> INVALID or FAILED, and why: who has such a round cannot win.
    resolution: what one request more or less at the window's edges makes, as a share of the metric.
    """

    key: str
    labels: list[str] = field(default_factory=list)
    values: dict[int, dict[str, float]] = field(default_factory=dict)
    resolution: float = 0.0
    bad: dict[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The one label, or what the labels have in common."""
        common = [word for word in self.labels[0].split() if all(word in label.split() for label in self.labels)]
        return " ".join(common) or self.labels[0]

    @property
    def by_round(self) -> dict[int, float]:
        """Round -> mean over the labels."""
        return {number: fmean(values.values()) for number, values in self.values.items()}

    @property
    def mean(self) -> float:
        """Over the rounds."""
        return fmean(self.by_round.values())

    def over(self, rounds: Collection[int]) -> float:
        """The mean over these of its rounds; over all if none are given."""
        return fmean(self.by_round[number] for number in rounds) if rounds else self.mean

    def shared(self, other: "Contender") -> list[int]:
        """The rounds in which both have a valid measurement: only over these they may be compared."""
        return sorted(self.values.keys() & other.values.keys())

    @property
    def bad_words(self) -> str:
        """What is wrong in which rounds, and why in the first of them; empty if nothing is."""
        if not self.bad:
            return ""
        numbers = sorted(self.bad)
        which = ", ".join(str(number + 1) for number in numbers)
        states = " or ".join(sorted({state for state, _ in self.bad.values()}, reverse=True))
        return f"{states} in round{'s' if len(numbers) > 1 else ''} {which}: {self.bad[numbers[0]][1]}"

    @property
    def noise(self) -> float | None:
        """Largest relative difference between two labels' means, at least the resolution; None with one label."""
        if len(self.labels) < 2:
            return None
        means = [fmean(values[label] for values in self.values.values() if label in values) for label in self.labels]
        gaps = [abs(a - b) / max(a, b) for a, b in combinations(means, 2) if max(a, b) > 0]
        return max([*gaps, self.resolution])


def contenders(results: Sequence[Result], metric: str, failed: Sequence[dict[str, Any]] = ()) -> list[Contender]:
    """The results grouped by what they effectively measure, best mean first; without those that have no valid one.

    failed: the run's cells that could not be measured.
    """
    groups: dict[str, Contender] = {}
    for result in results:
        contender = groups.setdefault(key := result.about["effective_hash"], Contender(key))
        if result.invalid:
            contender.bad[result.about["round"]] = ("INVALID", result.invalid[0])
            continue
        if result.label not in contender.labels:
            contender.labels.append(result.label)
        contender.values.setdefault(result.about["round"], {})[result.label] = float(result.numbers[metric])
        contender.resolution = max(contender.resolution, _resolution(result))
    for failure in failed:
        same = next((result for result in results if result.about["axes"] == failure["axes"]), None)
        if same is not None:
            groups[same.about["effective_hash"]].bad[failure["round"]] = ("FAILED", failure["reason"])
    found = [contender for contender in groups.values() if contender.values]
    return sorted(found, key=lambda contender: contender.mean, reverse=True)


def noise(found: list[Contender]) -> tuple[float, Contender] | None:
    """The largest noise, and who showed it; None if nothing was measured under two names."""
    known = [(contender.noise, contender) for contender in found if contender.noise is not None]
    return max(known, key=lambda pair: pair[0]) if known else None


def _resolution(result: Result) -> float:
    """Users in step answer all at once, so at each edge of the window all of them may fall in or out."""
    return float(result.config["load"].get("users", 1) / max(1, result.numbers["requests"]))
