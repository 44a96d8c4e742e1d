"""How often a steady load is called rising, and how often an overload is.

Simulated Poisson loads on one server (M/G/1, lognormal service), judged by the very rule of the bench. Utilisation
below 1 is steady: each reason is a false alarm. Above 1 the queue grows until the window's end: each reason is right.

    python experiments/rising.py [--runs 1000] [--results results]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from vgate.harness.circumstances import circumstances
from vgate.harness.files import write_json, write_text
from vgate.harness.metrics.rates import Window
from vgate.harness.steady import rising

WINDOWS_S = (30.0, 60.0, 300.0)
RATES_PER_S = (5.0, 20.0, 100.0)
LOADS = (0.5, 0.7, 0.8, 0.9, 0.95, 1.05, 1.2, 1.5)
SCV = 1.0
WARM_UP_S = 5.0  # the bench's own; stable queues get longer, so that they are in equilibrium


def main() -> int:
    """The table goes to results/rising/."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--results", type=Path, default=Path("results"))
    options = parser.parse_args()
    lines = [
        {"window_s": window, "rate_per_s": rate, "load": load, "called_rising": share(window, rate, load, options.runs)}
        for window in WINDOWS_S
        for rate in RATES_PER_S
        for load in LOADS
    ]
    table = pd.DataFrame(lines)
    folder = options.results / "rising"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "rising.csv", table.to_csv(index=False))
    about = {"runs": options.runs, "scv": SCV}
    write_json(folder / "manifest.json", circumstances(sys.argv[1:], [], sys.argv[0]) | about)
    print(table.pivot_table(index=["window_s", "rate_per_s"], columns="load", values="called_rising"), file=sys.stderr)
    steady = table[table["load"] <= 0.8]["called_rising"]
    print(json.dumps({"false_alarms_up_to_80_percent_load": {"mean": steady.mean(), "most": steady.max()}}))
    return 0


def share(window_s: float, rate: float, load: float, runs: int) -> float:
    """Share of the runs for which the rule gives a reason."""
    random = np.random.default_rng([round(window_s), round(rate), round(load * 100)])
    return float(np.mean([bool(list(rising(*simulated(window_s, rate, load, random)))) for _ in range(runs)]))


def simulated(window_s: float, rate: float, load: float, random: np.random.Generator) -> tuple[pd.DataFrame, Window]:
    """Rows with the two stamps that the rule reads."""
    warm_up_s = WARM_UP_S if load > 1 else 30 / rate / (1 - load) ** 2
    count = round(rate * (warm_up_s + window_s) * 1.2) + 200
    gaps, sigma = random.exponential(1 / rate, count), np.sqrt(np.log(1 + SCV))
    services = random.lognormal(np.log(load / rate) - sigma**2 / 2, sigma, count)
    arrivals = gaps.cumsum() - warm_up_s
    walk = np.cumsum(np.concatenate([[0.0], services[:-1] - gaps[1:]]))
    ends = arrivals + walk - np.minimum.accumulate(walk) + services
    stamps = {"t_int": (arrivals * 1e9).astype(np.int64), "t_end": (ends * 1e9).astype(np.int64)}
    return pd.DataFrame(stamps), Window(0, round(window_s * 1e9))


if __name__ == "__main__":
    raise SystemExit(main())
