"""Two runs that are there already, compared: fixed samples, measured at different times."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, variance

from vgate.config.errors import ConfigError
from vgate.harness.asked import asked, differing, spelt
from vgate.harness.comparing.decision import MOST_LEFT_OUT, UNDECIDED, Decision, ruling, too_many
from vgate.harness.comparing.finding import Finding
from vgate.harness.comparing.metric import Measured, Metric, gain, incomparable
from vgate.harness.interval import MINIMUM_RUNS, t95
from vgate.harness.layout import MANIFEST
from vgate.harness.results import NoResults, Result, Run, load_run

OPEN_TO_DRIFT = "A change of the machine between the two is part of the difference; two settings are not open to that."
PICK = "::"  # results/<run>::<configuration>


@dataclass(frozen=True)
class Sample:
    """The rounds of one configuration of one run."""

    name: str
    run: Run
    results: list[Result]

    @property
    def failed(self) -> list[str]:
        """Why rounds of it could not be measured."""
        axes = self.results[0].about["axes"]
        return [f"FAILED: {failure['reason']}" for failure in self.run.failed if failure["axes"] == axes]


def is_run(text: str) -> bool:
    """Whether this names a run's folder, one of its configurations picked or not."""
    return bool(text) and (Path(text.partition(PICK)[0]) / MANIFEST).is_file()


def read_sample(text: str) -> Sample:
    """The configuration of a run that `results/<run>` or `results/<run>::<configuration>` names; ConfigError."""
    path, _, wanted = text.partition(PICK)
    try:
        run = load_run(path)
    except NoResults as error:
        raise ConfigError(str(error)) from None
    labels = list(dict.fromkeys(result.label for result in run.results))
    label = wanted or (labels[0] if len(labels) == 1 else "")
    if label not in labels:
        what = f"has no configuration {wanted!r}" if wanted else "holds several configurations"
        allowed = ", ".join(f"{path}{PICK}{name}" for name in labels)
        raise ConfigError(f"{text!r} (from the command line): {what}; allowed: {allowed}")
    return Sample(label, run, [result for result in run.results if result.label == label])


def compare_runs(a: Sample, b: Sample, metric: Metric, margin: float) -> Finding:
    """By Welch's t-interval of the difference of mean logarithms; at least three rounds each, else undecided.

    ConfigError where they were not asked the same.
    """
    _refuse_other_questions(a, b)
    measured = [[Measured.of(result, metric) for result in sample.results] for sample in (a, b)]
    used = [[one for one in side if one.value is not None and not one.invalid] for side in measured]
    left_out = [_left_out(side, sample.failed) for side, sample in zip(measured, (a, b), strict=True)]
    objections = _objections(used, left_out, incomparable(metric, (used[0], used[1]), margin))
    decision = _decision(used[0], used[1], metric, margin)
    decision = replace(decision, verdict=UNDECIDED) if objections else decision
    return Finding(
        names=(f"{a.run.path}: {a.name}", f"{b.run.path}: {b.name}"),
        metric=metric,
        margin=margin,
        decision=decision,
        values=_values(used[0], used[1]) if all(used) else None,
        how=f"Unpaired: {len(used[0])} and {len(used[1])} runs, measured at different times.",
        paired=False,
        notes=[OPEN_TO_DRIFT, *_notes(used, left_out), *objections],
        data={"cells": {side: [one.cell for one in ones] for side, ones in zip("ab", used, strict=True)}},
        failed=not all(used),
    )


def welch(gains_a: Sequence[float], gains_b: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of mean(b) - mean(a), of samples with variances of their own; None below three values each."""
    if min(len(gains_a), len(gains_b)) < MINIMUM_RUNS:
        return None
    parts = [variance(values) / len(values) for values in (gains_a, gains_b)]
    difference, total = fmean(gains_b) - fmean(gains_a), sum(parts)
    if total == 0:
        return difference, difference
    weights = sum(part**2 / (len(v) - 1) for part, v in zip(parts, (gains_a, gains_b), strict=True))
    half = t95(total**2 / weights) * math.sqrt(total)
    return difference - half, difference + half


def _decision(a: list[Measured], b: list[Measured], metric: Metric, margin: float) -> Decision:
    if not a or not b:
        return Decision(ruling(None, margin), float("nan"), None, 0)
    base = a[0]
    gains_a, gains_b = ([gain(metric, base, one) for one in side] for side in (a, b))
    interval = welch(gains_a, gains_b)
    return Decision(ruling(interval, margin), fmean(gains_b) - fmean(gains_a), interval, min(len(a), len(b)))


def _values(a: list[Measured], b: list[Measured]) -> tuple[float, float]:
    return fmean(one.value or 0.0 for one in a), fmean(one.value or 0.0 for one in b)


def _refuse_other_questions(a: Sample, b: Sample) -> None:
    questions = [asked(result) for sample in (a, b) for result in sample.results]
    different = [f"{key} ({' and '.join(spelt(questions, key))})" for key in differing(questions)]
    if different:
        what = "which requests, when, for how long and with which targets must be the same to compare them"
        raise ConfigError(f"A and B (from the command line) were not asked the same, {', '.join(different)}: {what}")


def _left_out(measured: list[Measured], failed: list[str]) -> list[str]:
    """Why each round that takes no part does not."""
    invalid = [f"INVALID: {one.invalid[0]}" for one in measured if one.invalid]
    refused = ["the metric is undefined or refused" for one in measured if one.value is None and not one.invalid]
    return [*failed, *invalid, *refused]


def _notes(used: list[list[Measured]], left_out: list[list[str]]) -> list[str]:
    notes = []
    for side, kept, lost in zip("AB", used, left_out, strict=True):
        if lost:
            notes.append(f"Left out, {len(lost)} of {len(lost) + len(kept)} runs of {side}: {lost[0]}")
        if len(kept) < MINIMUM_RUNS:
            notes.append(f"{side} has {len(kept)} usable runs; an interval needs {MINIMUM_RUNS} (trial.rounds).")
    return notes


def _objections(used: list[list[Measured]], left_out: list[list[str]], refusals: str | None) -> list[str]:
    """Why what can be used may not decide."""
    lost = [
        f"More than {MOST_LEFT_OUT:.0%} of the runs of {side} had to be left out, so those that are left may be lucky."
        for side, kept, out in zip("AB", used, left_out, strict=True)
        if too_many(len(out), len(out) + len(kept))
    ]
    return [*lost, *([refusals] if refusals else [])]
