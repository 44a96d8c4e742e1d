"""Whether the capacity search finds a known capacity, and what it saves against bisection by windows of fixed length.

Golden queues (one server, first come first served, Poisson arrivals), whose share of late requests is known in closed
form at every rate, searched in virtual time by the code that searches on servers. From each seed follow arrivals,
service times and the rate at which the search begins, an eighth to twice the capacity.

The rival: from the same starting rate, double or halve until the verdict changes, then halve the interval (on a log
scale) until its ends are 5 % apart; each verdict from one window of the same number of requests. By two rules: as
MLPerf, the c = 0.99 rule on the requests as they are, answer the highest rate that passed; and by the bare share of
late requests, answer the middle of the last interval. Its length is the shortest of a list with which it is right for
95 % of the seeds, or as often as the search.

    python experiments/capacity.py
    python experiments/capacity.py --seeds 20 --queues mm1-p95

Writes seeds.csv, summary.md and manifest.json into ``results/capacity/``. The last line of output is one JSON document.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from vgate.harness.capacity.early_stopping import passes
from vgate.harness.capacity.evidence import Probe
from vgate.harness.capacity.queue import LIMIT, GoldenQueue, VirtualQueue
from vgate.harness.capacity.seek import Found, Goal, Seek
from vgate.harness.circumstances import circumstances
from vgate.harness.metrics.percentile import minimum_n

TOLERANCE = 0.05
WARMUP_S = 3.0
WANTED = 95  # of 100 seeds within the tolerance
LENGTHS = [round(1000 * 1.4**step) for step in range(17)]
Rule = Callable[[Probe, float], bool]


@dataclass(frozen=True)
class Case:
    """A golden queue and the percentile that it is held to."""

    queue: GoldenQueue
    percent: float

    @property
    def allowed(self) -> float:
        return round(1 - self.percent / 100, 6)

    @property
    def truth(self) -> float:
        return self.queue.capacity(self.allowed)

    def start(self, seed: int) -> float:
        """Where a search begins."""
        return float(f"{self.truth * 2 ** random.Random(f'start {seed}').uniform(-3, 1):.4g}")  # noqa: S311

    def measure(self, seed: int) -> VirtualQueue:
        return VirtualQueue(self.queue, seed, WARMUP_S)


CASES = {
    "mm1-p99": Case(GoldenQueue(0.010, 0.200, exponential=True), 99),
    "mm1-p95": Case(GoldenQueue(0.010, 0.150, exponential=True), 95),
    "md1-p99": Case(GoldenQueue(0.010, 0.070, exponential=False), 99),
    "md1-p95": Case(GoldenQueue(0.010, 0.100, exponential=False), 95),
}


@dataclass(frozen=True)
class Answer:
    """One search's answer and its cost in requests."""

    rate: float | None
    sent: int

    def right(self, truth: float) -> bool:
        """Within the tolerance."""
        return self.rate is not None and abs(self.rate / truth - 1) <= TOLERANCE


def ours(case: Case, seed: int) -> Found:
    """The search of `python -m vgate.capacity` on a golden queue."""
    goal = Goal(case.allowed, TOLERANCE, minimum_n(case.percent), case.start(seed), 1e-3, 1e5, math.inf)
    return Seek(case.measure(seed), goal).run()


def early_stopping(probe: Probe, allowed: float) -> bool:
    """MLPerf's rule as it is applied there: every request counts as independent."""
    margins = probe.margins[LIMIT]
    return passes(len(margins), int((margins > 1).sum()), allowed)


def bare_share(probe: Probe, allowed: float) -> bool:
    """The share that was seen."""
    return float((probe.margins[LIMIT] > 1).mean()) <= allowed


def bisection(case: Case, seed: int, length: int, rule: Rule, middle: bool) -> Answer:
    """Fixed-length bisection; its answer is the middle of the last interval, or its lower end."""
    measure, sent = case.measure(seed), 0

    def good(rate: float) -> bool:
        nonlocal sent
        probe = measure(rate, length, 0)
        sent += probe.sent
        return rule(probe, case.allowed)

    low = high = case.start(seed)
    if good(low):
        while good(high := high * 2):
            low = high
    else:
        while not good(low := low / 2):
            high = low
            if low < case.truth / 100:
                return Answer(None, sent)
    while high > low * (1 + TOLERANCE):
        between = math.sqrt(low * high)
        low, high = (between, high) if good(between) else (low, between)
    return Answer(math.sqrt(low * high) if middle else low, sent)


def rivals(case: Case, seeds: range, wanted: list[int]) -> list[dict[str, Any]]:
    """For each rule and each wanted number of right seeds, the shortest length whose bisection is right as often."""
    made = []
    for rule, middle in ((early_stopping, False), (bare_share, True)):
        open_wishes = sorted(set(wanted))
        for length in LENGTHS:
            answers = [bisection(case, seed, length, rule, middle) for seed in seeds]
            found = {
                "rule": rule.__name__,
                "length": length,
                "right": sum(answer.right(case.truth) for answer in answers),
                "requests": fmean(answer.sent for answer in answers),
                "overclaims": sum((answer.rate or 0) > case.truth for answer in answers),
            }
            while open_wishes and found["right"] >= open_wishes[0]:
                made.append({"wanted": open_wishes.pop(0), **found})
            if not open_wishes:
                break
    return made


def row(name: str, case: Case, seed: int, found: Found) -> dict[str, Any]:
    """One search of ours."""
    known = found.known
    assert known.crossing is not None  # the search brackets the truth
    return {
        "queue": name,
        "seed": seed,
        "start": case.start(seed),
        "truth": case.truth,
        "capacity": known.crossing.rate,
        "low": known.crossing.low,
        "high": known.crossing.high,
        "passed": known.passed,
        "failed": known.failed,
        "windows": len(found.probes),
        "sent": found.sent,
        "stopped": found.stopped,
    }


def summary(name: str, case: Case, rows: list[dict[str, Any]], seeds: range) -> dict[str, Any]:
    """What is asked of the search, and what the rivals need."""
    truth = case.truth
    right = sum(Answer(one["capacity"], 0).right(truth) for one in rows)
    return {
        "queue": name,
        "truth": truth,
        "seeds": len(rows),
        "right": right,
        "interval_covers": sum(one["low"] <= truth <= one["high"] for one in rows),
        "passed_above_truth": sum((one["passed"] or 0) > truth for one in rows),
        "failed_below_truth": sum((one["failed"] or math.inf) < truth for one in rows),
        "requests": fmean(one["sent"] for one in rows),
        "requests_median": median(one["sent"] for one in rows),
        "windows": fmean(one["windows"] for one in rows),
        "rivals": rivals(case, seeds, [round(WANTED / 100 * len(rows)), right]),
    }


def markdown(summaries: Iterable[dict[str, Any]]) -> str:
    """The search, and below it what it saves."""
    ours_head = (
        "| queue | capacity, 1/s | within 5 % | 95 % interval holds it | passed too high, failed too low | requests |"
    )
    lines = [ours_head, "|---|---|---|---|---|---|"]
    for one in summaries:
        wrong = f"{one['passed_above_truth']}, {one['failed_below_truth']}"
        lines.append(
            f"| {one['queue']} | {one['truth']:.2f} | {one['right']} of {one['seeds']} | {one['interval_covers']}"
            f" | {wrong} | {one['requests']:,.0f} |"
        )
    lines += ["", "| queue | fixed length, rule | requests a window | within 5 % | requests | search against it |"]
    lines += ["|---|---|---|---|---|---|"]
    for one in summaries:
        lines += [_against(one, found) for found in one["rivals"]]
    return "\n".join(lines) + "\n"


def _against(one: dict[str, Any], found: dict[str, Any]) -> str:
    return (
        f"| {one['queue']} | {found['rule'].replace('_', ' ')} | {found['length']:,} | {found['right']}"
        f" | {found['requests']:,.0f} | {one['requests'] / found['requests']:.2f} |"
    )


def write(folder: Path, rows: list[dict[str, Any]], summaries: list[dict[str, Any]]) -> None:
    """Rows, summary and the circumstances."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "seeds.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "summary.md").write_text(markdown(summaries), encoding="utf-8")
    manifest = circumstances(sys.argv[1:], [], sys.argv[0])
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def searched(name: str, seeds: range) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All of one queue."""
    rows = [row(name, CASES[name], seed, ours(CASES[name], seed)) for seed in seeds]
    return rows, summary(name, CASES[name], rows, seeds)


def main() -> int:
    """Run all; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--queues", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--results", type=Path, default=Path("results/capacity"))
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with ProcessPoolExecutor(max_workers=2) as pool:
        found = list(pool.map(searched, options.queues, [seeds] * len(options.queues)))
    summaries = [one for _, one in found]
    write(options.results, [row for rows, _ in found for row in rows], summaries)
    print(markdown(summaries))
    print(json.dumps(summaries))
    return 0 if all(one["right"] >= WANTED / 100 * one["seeds"] for one in summaries) else 1


if __name__ == "__main__":
    sys.exit(main())
