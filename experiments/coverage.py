"""How often a 95 % interval holds the truth, when requests depend on each other and some take very long.

1,000 synthetic runs each of processes whose truth is known (`processes.py`), as long as real ones. From each run the
same estimators as in the bench make intervals for p50, p90 and p99 of TTFT, mean TPOT and goodput; beside them stand
the intervals that take requests as independent. Wanted: the truth is inside in 93 to 97 % of the runs that have an
interval.

    python experiments/coverage.py [--runs 1000] [--sizes 1200 6000 24000] [--results results]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from processes import Lognormal, Process, Queue

from vgate.harness.circumstances import circumstances
from vgate.harness.files import write_json, write_text
from vgate.harness.metrics.rates import Window
from vgate.harness.stats.binomial import rank_interval, share_interval
from vgate.harness.stats.bootstrap import mean_estimate
from vgate.harness.stats.estimate import Estimate
from vgate.harness.stats.percentiles import percentile_estimates
from vgate.harness.stats.rate import rate_estimate
from vgate.harness.stats.shares import share_estimate

RATE_PER_S = 20.0
GOOD_SHARE = 0.9  # the target on TTFT is its true p90
PERCENTS = (50, 90, 99)
WANTED = (0.93, 0.97)


@dataclass(frozen=True)
class Case:
    """TTFT by one process, TPOT by another that does not know of it."""

    ttft: Process
    tpot: Process


CASES = [
    Case(Lognormal(memory=0.7, median=80.0, sigma=1.0), Lognormal(memory=0.7, median=10.0, sigma=0.5)),
    Case(Lognormal(memory=0.9, median=80.0, sigma=1.0), Lognormal(memory=0.9, median=10.0, sigma=0.5)),
    Case(Queue(load=0.5, service=25.0, scv=2.0), Lognormal(memory=0.8, median=10.0, sigma=1.0)),
    Case(Queue(load=0.7, service=35.0, scv=2.0), Lognormal(memory=0.95, median=10.0, sigma=0.5)),
]


@dataclass(frozen=True)
class Synthetic:
    """One run: TTFT and TPOT in ms and arrivals in ns of the requests due in the window."""

    ttft: np.ndarray
    tpot: np.ndarray
    arrivals: np.ndarray
    window: Window


def main() -> int:
    """Run all cases; the table goes to results/coverage/, how many lines are as wanted to standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1200, 6000, 24000], help="requests in a run")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("results"))
    options = parser.parse_args()
    sizes = sorted(options.sizes, reverse=True)  # the longest first, so that the processes end together
    jobs = [(number, size, options.runs) for size in sizes for number in range(len(CASES))]
    with ProcessPoolExecutor(options.processes) as pool:
        table = pd.concat(pool.map(measure, *zip(*jobs, strict=True)), ignore_index=True).sort_values(
            "size", kind="stable"
        )
    save(table, options)
    ours = table[table["method"] == "ours"]
    print(json.dumps({"lines": len(ours), "inside": int(ours["covers"].between(*WANTED).sum())}))
    return 0


def measure(number: int, size: int, runs: int) -> pd.DataFrame:
    """For each number and method: share of the runs with an interval, share of these that hold the truth, width."""
    case = CASES[number]
    truth = truths(case)
    seeds = np.random.SeedSequence([size, number]).spawn(runs)
    found = [line for seed in seeds for line in outcomes(draw(case, size, np.random.default_rng(seed)), truth)]
    lines = pd.DataFrame(found, columns=["number", "method", "given", "covers", "width"])
    table = lines.groupby(["number", "method"], sort=False).mean().reset_index()
    table.insert(0, "size", size)
    table.insert(0, "tpot", case.tpot.name)
    table.insert(0, "ttft", case.ttft.name)
    print(table[table["method"] == "ours"].to_string(index=False), file=sys.stderr, flush=True)
    return table


def truths(case: Case) -> dict[str, float]:
    """The true value of each number."""
    percentiles = {f"TTFT p{percent}": case.ttft.quantile(percent / 100) for percent in PERCENTS}
    return {
        **percentiles,
        "TPOT mean": case.tpot.mean,
        "goodput": RATE_PER_S * GOOD_SHARE,
        "attainment": GOOD_SHARE,
    }


def draw(case: Case, size: int, random: np.random.Generator) -> Synthetic:
    """Poisson arrivals in a window that holds `size` on average, after a warm-up that forgets its beginning."""
    window = Window(0, round(size / RATE_PER_S * 1e9))
    warm_up = 4000
    gaps = random.exponential(1000 / RATE_PER_S, warm_up + size + 10 * round(size**0.5))
    arrivals = (gaps.cumsum() - gaps[:warm_up].sum()) * 1e6
    due = (arrivals >= window.start) & (arrivals < window.end)
    ttft, tpot = case.ttft.draw(gaps, random), case.tpot.draw(gaps, random)
    return Synthetic(ttft[due], tpot[due], arrivals[due].astype(np.int64), window)


def outcomes(run: Synthetic, truth: dict[str, float]) -> Iterator[tuple[str, str, bool, float, float]]:
    """(number, method, whether there is an interval, whether it holds the truth, its width / the truth)."""
    limit = truth[f"TTFT p{GOOD_SHARE * 100:g}"]
    good = run.arrivals[run.ttft <= limit]
    ours = {f"TTFT p{p:g}": estimate for p, estimate in percentile_estimates(run.ttft, PERCENTS).items()}
    ours["TPOT mean"] = mean_estimate(run.tpot)
    ours["goodput"] = rate_estimate(good, run.window)
    ours["attainment"] = share_estimate((run.ttft <= limit).astype(float))
    for method, estimates in (("ours", ours), ("i.i.d.", independent(run, good))):
        for number, estimate in estimates.items():
            yield number, method, *outcome(estimate, truth[number])


def independent(run: Synthetic, good: np.ndarray) -> dict[str, Estimate]:
    """The same intervals if requests were independent: exact ranks, normal means, a Poisson count."""
    ordered, count = np.sort(run.ttft), len(run.ttft)
    found = {}
    for percent in PERCENTS:
        ranks = rank_interval(count, percent / 100)
        ends = [float(np.interp(rank, np.arange(1, count + 1), ordered)) for rank in ranks or ()]
        found[f"TTFT p{percent}"] = Estimate(None, *ends)
    spread = 1.96 * np.sqrt(len(good)) / run.window.seconds
    rate = len(good) / run.window.seconds
    return found | {
        "TPOT mean": plain(run.tpot),
        "goodput": Estimate(rate, rate - spread, rate + spread),
        "attainment": Estimate(None, *share_interval(len(good), count)),
    }


def plain(values: np.ndarray) -> Estimate:
    """The mean of independent values."""
    mean, spread = float(values.mean()), 1.96 * float(values.std()) / len(values) ** 0.5
    return Estimate(mean, mean - spread, mean + spread)


def outcome(estimate: Estimate, truth: float) -> tuple[bool, float, float]:
    """Whether there is an interval; NaN for the rest where there is none."""
    if estimate.interval is None:
        return False, np.nan, np.nan
    low, high = estimate.interval
    return True, float(low <= truth <= high), (high - low) / truth


def save(table: pd.DataFrame, options: argparse.Namespace) -> None:
    """coverage.csv, coverage.md and the circumstances."""
    folder = options.results / "coverage"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "coverage.csv", table.round(4).to_csv(index=False))
    write_text(folder / "coverage.md", markdown(table))
    about = {"runs": options.runs, "sizes": options.sizes}
    write_json(folder / "manifest.json", circumstances(sys.argv[1:], [], sys.argv[0]) | about)


def markdown(table: pd.DataFrame) -> str:
    """One line per process, size and number: how often ours and the i.i.d. interval hold the truth."""
    heads = [
        "TTFT; TPOT",
        "requests",
        "number",
        "with interval",
        "covers",
        "wrong, of all runs",
        "i.i.d.",
        "widths / truth",
    ]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for (ttft, tpot, size, number), pair in table.groupby(["ttft", "tpot", "size", "number"], sort=False):
        ours, other = (pair[pair["method"] == method].iloc[0] for method in ("ours", "i.i.d."))
        shares = [ours.given, ours.covers, ours.given * (1 - ours.covers), other.covers]
        cells = [f"{ttft}; {tpot}", f"{size}", number, *(f"{share:.1%}" for share in shares)]
        lines.append(f"| {' | '.join([*cells, f'{ours.width:.3f}, {other.width:.3f}'])} |".replace("nan%", "-"))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
