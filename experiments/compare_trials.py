"""How often does `vgate.compare` raise a false alarm, and how often does it find a slowdown of 5 %? By many trials.

Comparisons with the real server and the real load driver on the dry-run engine, whose speed is a setting: 200 of one
configuration with itself, and 50 with an engine that is 5 % slower in every step. Decided by the same code and the same
default margin as on the command line; only the measurements are shorter. Stopped, the same command goes on.

    python experiments/compare_trials.py

Writes trials.csv (a line for each comparison), summary.json and manifest.json into ``results/compare_trials/``.
The last line of output is one JSON document.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vgate.harness.cells import Cell
from vgate.harness.circumstances import circumstances
from vgate.harness.comparing.court import Rules, hear
from vgate.harness.comparing.decision import BETTER, UNDECIDED, WORSE
from vgate.harness.comparing.metric import Measured, metric_named
from vgate.harness.comparing.sides import Sides, read_sides
from vgate.harness.comparing.stand import standing
from vgate.harness.comparing.words import told
from vgate.harness.progress import Progress
from vgate.harness.store import RunFolder

ALIKE, SLOWED = "alike", "slowed"
COMMON = [
    "+preset=dry_run",
    "cache=none",
    "slo=none",
    "workload.prompt_tokens=16",
    "workload.output_tokens=4",
    "load.users=4",
    "trial.warmup_s=0.1",
    "trial.duration_s=0.5",
    "trial.drain_s=10",
    "trial.cooldown_s=0",
    "trial.certify=false",
]
# Few long steps: what is measured is the engine's speed, and not how promptly this machine wakes a process.
STEPS = {"engine.decode_step_ms": 15.0, "engine.decode_step_per_seq_ms": 0.0}
PREFILL = 20_000.0
ALARMS, FOUND = 0.05, 0.90
FIELDS = ["kind", "seed", "verdict", "change", "low", "high", "rounds", "pairs", "left_out", "seconds", "why_left_out"]
Row = dict[str, Any]


def engine(slower: float) -> list[str]:
    """The engine's settings: every step takes `slower` as a share longer."""
    steps = [f"{key}={value * (1 + slower)}" for key, value in STEPS.items()]
    return [f"engine.prefill_tokens_per_s={PREFILL / (1 + slower)}", *steps]


def sides_of(kind: str, seed: int, slower: float) -> Sides:
    """The two configurations of a comparison. Its seed makes its requests and the order in which it measures."""
    other = engine(slower if kind == SLOWED else 0.0)
    return read_sides(" ".join(engine(0.0)), " ".join(other), [*COMMON, f"trial.seed={seed}"])


def planned(alike: int, slowed: int) -> list[tuple[str, int]]:
    """Both kinds spread evenly over the whole, so that a change of the machine meets both."""
    kinds = [(i / alike, ALIKE, i) for i in range(alike)] + [((i + 0.5) / slowed, SLOWED, i) for i in range(slowed)]
    return [(kind, i) for _, kind, i in sorted(kinds)]


def compare(sides: Sides, rules: Rules, measure: Callable[[Cell], Measured | None]) -> Row:
    """One comparison as a line of trials.csv."""
    begin = time.monotonic()
    hearing = hear(sides, rules, measure)
    document = told(sides, hearing, two_servers=not sides.one_engine).document
    low, high = document["interval"] or (None, None)
    problems = [problem for pair in hearing.left_out for problem in pair.problems]
    return {
        "verdict": document["verdict"],
        "change": document["change"],
        "low": low,
        "high": high,
        "rounds": hearing.rounds,
        "pairs": len(hearing.used),
        "left_out": len(hearing.left_out),
        "seconds": round(time.monotonic() - begin, 2),
        "why_left_out": problems[0] if problems else "",
    }


def run(options: argparse.Namespace, path: Path, done: set[tuple[str, int]]) -> None:
    """All comparisons that trials.csv lacks, with one server for each of the two engines."""
    todo = [one for one in planned(options.alike, options.slowed) if one not in done]
    with tempfile.TemporaryDirectory(prefix="vgate-trials-") as scratch, path.open("a", newline="") as file:
        folder = RunFolder(Path(scratch, "run"))
        writer = csv.DictWriter(file, FIELDS)
        if not file.tell():
            writer.writeheader()
        quiet = Progress([], Path(scratch, "progress").open("w"))  # noqa: SIM115 -- as long as the folder
        with folder.locked(), standing(sides_of(SLOWED, 0, options.slower), folder, quiet) as rig_for:
            for kind, seed in todo:
                row = one_trial(kind, seed, options, rig_for)
                writer.writerow({"kind": kind, "seed": seed, **row})
                file.flush()
                print(
                    f"{kind:7} {seed:4} {row['verdict']:9} {row['rounds']} rounds {row['seconds']:5.1f} s", flush=True
                )
                shutil.rmtree(folder.cells)
                folder.cells.mkdir()


def one_trial(kind: str, seed: int, options: argparse.Namespace, rig_for: Callable[[Cell], Any]) -> Row:
    """Measure and decide."""
    sides = sides_of(kind, seed, options.slower)
    metric = metric_named("e2e_p50", sides.a.container)

    def measure(cell: Cell) -> Measured | None:
        result = rig_for(cell).measure(cell)
        return None if result is None else Measured.of(result, metric)

    return compare(sides, Rules(metric, math.log1p(options.margin), options.max_rounds), measure)


def read(path: Path) -> list[Row]:
    """The lines of trials.csv that are there."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def summary(rows: list[Row]) -> dict[str, Any]:
    """What the trials show, and whether they meet the targets."""
    alike, slowed = ([row for row in rows if row["kind"] == kind] for kind in (ALIKE, SLOWED))
    alarms = sum(row["verdict"] in {BETTER, WORSE} for row in alike)
    found = sum(row["verdict"] == WORSE for row in slowed)
    without_zero = sum(bool(row["low"]) and not float(row["low"]) <= 0 <= float(row["high"]) for row in alike)
    return {
        "alike": len(alike),
        "alarms": alarms,
        "intervals_without_zero": without_zero,
        "alike_undecided": sum(row["verdict"] == UNDECIDED for row in alike),
        "slowed": len(slowed),
        "found": found,
        "slowed_undecided": sum(row["verdict"] == UNDECIDED for row in slowed),
        "pairs_left_out": sum(int(row["left_out"]) for row in rows),
        "pairs_used": sum(int(row["pairs"]) for row in rows),
        "seconds": round(sum(float(row["seconds"]) for row in rows)),
        "within": alarms <= ALARMS * len(alike) and found >= FOUND * len(slowed),
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alike", type=int, default=200, help="comparisons of one configuration with itself")
    parser.add_argument("--slowed", type=int, default=50, help="comparisons with a slower engine")
    parser.add_argument("--slower", type=float, default=0.05, help="by how much each of its steps takes longer")
    parser.add_argument("--margin", type=float, default=0.02, help="as that of vgate.compare, as a share")
    parser.add_argument("--max-rounds", type=int, default=8, help="of four measurements each")
    parser.add_argument("--results", type=Path, default=Path("results/compare_trials"))
    return parser.parse_args()


def main() -> int:
    """Measure what is missing, sum up, write; 1 if a target is missed."""
    options = arguments()
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / "trials.csv"
    run(options, path, {(row["kind"], int(row["seed"])) for row in read(path)})
    document = summary(read(path))
    about = {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()}
    manifest = circumstances(sys.argv[1:], [], sys.argv[0]) | {"options": about}
    for name, content in (("summary", document), ("manifest", manifest)):
        (options.results / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(document))
    return 0 if document["within"] else 1


if __name__ == "__main__":
    sys.exit(main())
