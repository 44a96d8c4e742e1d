"""What to run next: what a run leaves open, and the settings that would close it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, stdev

from vgate.harness.asked import asked, identity
from vgate.harness.configurations import Configuration, configurations
from vgate.harness.contest import Contest
from vgate.harness.goodput_map import number
from vgate.harness.interval import MINIMUM_RUNS
from vgate.harness.metrics.percentile import minimum_n
from vgate.harness.metrics.select import in_window
from vgate.harness.results import Result, Run
from vgate.harness.verdict import Verdict

MOST_ROUNDS = 50
HEADROOM = 1.1  # a window of exactly the needed length has too few requests half of the time
TARGET_SHARE = 0.999  # of good requests, above which a load does not tell configurations apart


@dataclass(frozen=True)
class Step:
    """why: what is open. do: settings to add to the run's command, as on the command line; empty: words say all."""

    why: str
    do: str = ""


def advice(run: Run, verdict: Verdict) -> list[Step]:
    """The steps in the order in which they should be taken; empty if nothing is open."""
    if run.imported:
        return [Step("Only the file's numbers are known. Measured by vgate.bench, they could be checked.")]
    measured = [one for one in configurations(run, verdict.metric) if one.valid]
    steps = [*_finish(run), *_repair(run)]
    if verdict.groups:
        steps += _of_groups(measured, verdict)
    else:
        ranked = _first_first(measured, verdict)
        steps += [*_rounds(verdict), *_edges(ranked, verdict), *_longer(ranked), *_load(ranked, verdict)]
        steps += _open_loop(ranked)
    return [*steps, *_baseline(measured)]


def _of_groups(measured: list[Configuration], verdict: Verdict) -> list[Step]:
    """What the groups leave open, each setting once: the run's command measures all of them."""
    found: dict[str, Step] = {}
    for name, one in verdict.groups.items():
        ranked = _first_first(measured, one)
        for step in [*_rounds(one), *_edges(ranked, one)]:
            found.setdefault(step.do or step.why, Step(f"{name}: {step.why}", step.do))
    return list(found.values())


def _first_first(measured: list[Configuration], verdict: Verdict) -> list[Configuration]:
    """Those that were asked what the verdict is on, its first before all others."""
    label = verdict.ranking[0].labels[0] if verdict.ranking else None
    first = next((one for one in measured if one.label == label), None)
    if first is None:
        return measured
    question = identity(asked(first.results[0]))
    mine = [one for one in measured if one is not first and identity(asked(one.results[0])) == question]
    return [first, *mine]


def _finish(run: Run) -> Iterator[Step]:
    if not run.manifest["finished"]:
        yield Step("The run is not finished; the same command goes on where it stopped.")
    if run.failed:
        yield Step(f"{len(run.failed)} cells could not be measured; the same command tries them again.")


def _repair(run: Run) -> Iterator[Step]:
    count = sum(bool(result.invalid) for result in run.results)
    if count:
        why = "Put right what the reasons name; the same command measures them again."
        yield Step(f"{count} measurements are INVALID. {why}")


def _rounds(verdict: Verdict) -> Iterator[Step]:
    """More rounds where there is no interval yet, or one that includes zero."""
    if len(verdict.ranking) < 2 or any(one.bad for one in verdict.ranking[:2]):
        return  # more rounds do not mend one that cannot be used
    differences = Contest(verdict.ranking).differences
    if len(differences) < MINIMUM_RUNS:
        why = "There is no interval: a single run cannot say how much a second one would differ."
        yield Step(why, f"trial.rounds={MINIMUM_RUNS}")
    elif verdict.winner is None and fmean(differences) > 0:
        wanted = _enough(differences)
        if wanted <= MOST_ROUNDS:
            yield Step("No winner yet. If the difference stays as it is, this would decide.", f"trial.rounds={wanted}")
        else:
            yield Step(f"More rounds will hardly decide: it would take {wanted}. Take the best two as equal.")


def _enough(differences: list[float]) -> int:
    """Rounds after which the mean difference stands 2 standard errors, and one to spare, from zero."""
    ratio = stdev(differences) / fmean(differences)
    return max(len(differences) + 2, math.ceil((2.2 * ratio) ** 2) + 1)


def _edges(ranked: list[Configuration], verdict: Verdict) -> Iterator[Step]:
    """Axes of numbers whose best value is the smallest or largest tried: the best may lie beyond."""
    if not verdict.ranking or len(verdict.ranking[0].labels) > 1:
        return  # several labels measure the same thing, so the axes that part them have no effect
    best = ranked[0].axes
    for axis, text in best.items():
        tried = sorted(value for one in ranked if (value := number(one.axes.get(axis, ""))) is not None)
        value = number(text)
        if value is None or tried[0] == tried[-1]:
            continue
        if value == tried[-1]:
            yield Step(f"{axis} was best at {text}, the largest value tried.", f"{axis}={text},{2 * value:g}")
        elif value == tried[0] and (lower := _lower(text)) is not None:
            yield Step(f"{axis} was best at {text}, the smallest value tried.", f"{axis}={lower:g},{text}")


def _lower(text: str) -> float | None:
    """Half of a value, a whole number of a whole number; None where there is nothing between it and zero."""
    value = number(text) or 0.0
    half = value // 2 if "." not in text else value / 2
    return half if half > 0 else None


def _longer(ranked: list[Configuration]) -> Iterator[Step]:
    """The window at which the best configuration's p99 would not be refused."""
    if not ranked or ranked[0].value("ttft_ms_p99") is not None or not ranked[0].rounds("ttft_ms_p50"):
        return
    fewest = min(ranked[0].valid, key=_requests)
    needed, had, seconds = minimum_n(99), _requests(fewest), fewest.window.seconds
    if had >= needed:
        return  # refused because it lies among requests without an answer: more of them would not help
    longer = math.ceil(seconds * HEADROOM * needed / had)
    yield Step(f"TTFT p99 is refused: it needs {needed} requests, the window had {had}.", f"trial.duration_s={longer}")


def _requests(result: Result) -> int:
    return len(in_window(result.rows))


def _load(ranked: list[Configuration], verdict: Verdict) -> Iterator[Step]:
    """A load that all configurations carry, or none, tells nothing about them."""
    shares = [share for one in ranked if (share := one.value("attainment")) is not None]
    if verdict.metric != "goodput_per_s" or len(shares) < 2:
        return
    rate = ranked[0].results[0].config["load"].get("rate")
    if min(shares) >= TARGET_SHARE and rate:
        why = "Every configuration meets the targets nearly always: this rate does not tell them apart."
        yield Step(why, f"load.rate={2 * rate:g}")
    elif max(shares) == 0 and rate:
        yield Step("No configuration meets the targets at this rate.", f"load.rate={rate / 2:g}")


def _open_loop(ranked: list[Configuration]) -> Iterator[Step]:
    """Latencies at equal rates, at a rate that the best can carry."""
    if len(ranked) > 1 and "users" in ranked[0].results[0].config["load"]:
        rate = (ranked[0].value("completed_per_s") or 0.0) * 0.8
        if rate > 0:
            why = "Closed loop: a slower server was asked less. To compare latencies at an equal rate:"
            yield Step(why, f"load=poisson load.rate={rate:.2g}")


def _baseline(ranked: list[Configuration]) -> Iterator[Step]:
    if len(ranked) > 1 and not any(one.classic for one in ranked):
        yield Step("The original V-Gate, the baseline, was not measured beside these.", "trial.baseline=true")
