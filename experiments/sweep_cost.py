"""The cost of a sweep that knows what each setting costs to change, and whether it survives being killed.

24 cells on tiny vLLM: two engine settings, four gateway settings, three rounds. The sweep is run in one piece, which
must start two engines; against it stands what the same cells would take with an engine start for each, as in a sweep of
separate jobs, from the start times measured here. Then it is run again elsewhere, killed with SIGKILL at random moments
and started again until it is done: no cell may be lost or measured twice, nothing may be left in the temporary folder,
and the winner must be the same, or there is none because the difference lies within the margin of the verdict.

    python experiments/sweep_cost.py

Writes cells.csv, sessions.csv and manifest.json into ``results/sweep_cost/``; the last line is one JSON document.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import psutil

from vgate.harness.circumstances import circumstances
from vgate.harness.files import read_json
from vgate.harness.results import Result, Run, load_run
from vgate.harness.verdict import judge

AXES = ["model.max_num_seqs=8,64", "batch=passthrough,lockstep", "batch.max_batch_size=2,16"]
CELLS_OF_A_ROUND = 8
Stamps = dict[str, str]  # of finished cells: name -> when it was measured


@dataclass(frozen=True)
class Kill:
    """SIGKILL `seconds` after a session has finished `cells` cells; of none, after it began: the engine is starting."""

    cells: int
    seconds: float


@dataclass(frozen=True)
class Session:
    """One run of the command. killed_in: what the bench was about; empty if it ended by itself."""

    sweep: str
    wall_s: float
    killed_in: str
    cells_before: int
    cells_after: int
    exit_code: int


def command(results: Path, options: argparse.Namespace) -> list[str]:
    """The sweep."""
    trial = [f"trial.{key}={getattr(options, key)}" for key in ("rounds", "warmup_s", "duration_s", "seed")]
    trial += ["trial.certify=false", "trial.prune=false"]
    load = [*options.settings, f"load.users={options.users}", f"trial.results_dir={results}", "trial.name=sweep"]
    return [sys.executable, "-m", "vgate.bench", "-m", *AXES, *trial, *load]


def session(results: Path, options: argparse.Namespace, kill: Kill | None = None) -> Session:
    """Run the command, to its end or until it is killed, and see that no process of it is left."""
    before, begin = len(stamps(results)), time.monotonic()
    environ = {**os.environ, "TMPDIR": str(temporary(results))}
    process = subprocess.Popen(command(results, options), start_new_session=True, env=environ)
    family: list[psutil.Process] = []
    doing = ""
    if kill and at_moment(kill, process, results, before):
        family, doing = psutil.Process(process.pid).children(recursive=True), state(results)
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wall = time.monotonic() - begin
    _, alive = psutil.wait_procs(family, timeout=20)
    if alive:
        raise SystemExit(f"left behind by a killed bench: {alive}")
    return Session(results.name, round(wall, 1), doing, before, len(stamps(results)), process.returncode)


def at_moment(kill: Kill, process: subprocess.Popen[bytes], results: Path, before: int) -> bool:
    """Wait for it; False if the command has ended before."""
    while process.poll() is None:
        if len(stamps(results)) >= before + kill.cells:
            time.sleep(kill.seconds)
            return process.poll() is None
        time.sleep(0.1)
    return False


def state(results: Path) -> str:
    """What the bench is about, from what is in its folder."""
    return "a cell" if list(results.glob("*/cells/.*")) else "an engine start, or between two cells"


def temporary(results: Path) -> Path:
    """A folder for temporary files of its own: what is left there can be seen."""
    folder = results.parent / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def stamps(results: Path) -> Stamps:
    """When each finished cell was measured."""
    return {path.parent.name: read_json(path)["started_utc"] for path in results.glob("*/cells/[!.]*/cell.json")}


def valid(results: Path) -> set[str]:
    """The finished cells that are not measured again when the sweep goes on."""
    found = [Result.read(path.parent) for path in results.glob("*/cells/[!.]*/cell.json")]
    return {result.folder.name for result in found if not result.invalid}


def killed_sweep(results: Path, options: argparse.Namespace) -> tuple[list[Session], int, int]:
    """Sessions, and how many cells were lost and repeated."""
    draw = random.Random(options.seed)  # noqa: S311
    sessions: list[Session] = []
    lost = repeated = 0
    kills = [Kill(draw.randint(0, options.most_cells), draw.uniform(0, options.most_s)) for _ in range(options.kills)]
    for kill in [*kills, None]:
        kept = valid(results)
        earlier = {name: stamp for name, stamp in stamps(results).items() if name in kept}
        sessions.append(session(results, options, kill))
        print(asdict(sessions[-1]), flush=True)
        now = stamps(results)
        lost += len(earlier.keys() - now.keys())
        repeated += sum(now[name] != stamp for name, stamp in earlier.items() if name in now)
    return sessions, lost, repeated


def run_of(results: Path) -> Run:
    """The one run there."""
    (manifest,) = results.glob("*/manifest.json")
    return load_run(manifest.parent)


def starts(run: Run) -> int:
    """How many engines were started for it."""
    return len(list((run.path / "logs").glob("server-*.log")))


def cost(run: Run) -> dict[str, Any]:
    """The sweep's time against that of one engine start for each cell."""
    wall_s = sum(session["wall_s"] for session in run.manifest["sessions"])
    cells = [result.about for result in run.results]
    measuring = sum(about["wall_s"] for about in cells)
    each = fmean(about["server_start_s"] for about in cells)
    separate = measuring + len(cells) * each
    return {
        "cells": len(cells),
        "starts": starts(run),
        "start_s": sorted({about["server_start_s"] for about in cells}),  # each engine's cells carry its one start
        "measuring_s": round(measuring, 1),
        "wall_s": wall_s,
        "wall_s_with_a_start_for_each_cell": round(separate, 1),
        "ratio": round(separate / wall_s, 2),
    }


def winners(*runs: Run) -> dict[str, Any]:
    """Who won each, and whether that is the same or was no clear win anyway."""
    found = [judge(run) for run in runs]
    names = {verdict.winner for verdict in found if verdict.winner}
    return {"headlines": [verdict.headline for verdict in found], "same_or_tie": len(names) <= 1}


def line(run: Run, result: Result) -> dict[str, Any]:
    """A cell as a row of cells.csv."""
    about = {name: result.about[name] for name in ("round", "started_utc", "wall_s", "server_start_s")}
    numbers = {
        name: result.numbers[name] for name in ("requests", "goodput_per_s", "output_tokens_per_s", "ttft_ms_p50")
    }
    return {
        "sweep": run.path.parent.name,
        "cell": result.label,
        **about,
        **numbers,
        "invalid": "; ".join(result.invalid),
    }


def write(folder: Path, runs: list[Run], sessions: list[Session], document: dict[str, Any]) -> None:
    """Rows, the document and the circumstances."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = [line(run, result) for run in runs for result in run.results]
    for name, table in (("cells", cells), ("sessions", [asdict(one) for one in sessions])):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
    about = circumstances(sys.argv[1:], [], sys.argv[0]) | {"outcome": document}
    (folder / "manifest.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warmup-s", type=float, default=2.0)
    parser.add_argument("--duration-s", type=float, default=6.0)
    parser.add_argument("--users", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0, help="of the requests, the order of the cells and the kills")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--most-cells", type=int, default=5, help="that a session finishes before it is killed")
    parser.add_argument("--most-s", type=float, default=15.0, help="that it goes on then")
    parser.add_argument(
        "--runs", type=Path, help="keep both runs here, and go on where they are; else a temporary folder"
    )
    parser.add_argument("--results", type=Path, default=Path("results/sweep_cost"))
    parser.add_argument("settings", nargs="*", default=["+preset=cpu"], help="what all cells share")
    return parser.parse_args()


def main() -> int:
    """Measure, print, write; 1 if a target is missed."""
    options = arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = options.runs or Path(name)
        whole, pieces = folder / "whole", folder / "killed"
        first = session(whole, options)
        sessions, lost, repeated = killed_sweep(pieces, options)
        runs = [run_of(whole), run_of(pieces)]
        document = {
            **cost(runs[0]),
            "kills": sum(bool(one.killed_in) for one in sessions),
            "left_in_tmp": sorted(path.name for path in temporary(whole).glob("vgate-*")),
            "lost": lost,
            "repeated": repeated,
            "cells_of_the_killed": len(runs[1].results),
            "starts_of_the_killed": starts(runs[1]),
            **winners(*runs),
        }
        write(options.results, runs, [first, *sessions], document)
    wanted = options.rounds * CELLS_OF_A_ROUND
    met = [
        document["starts"] == 2,
        document["kills"] == options.kills,
        document["ratio"] >= 3,
        document["cells"] == document["cells_of_the_killed"] == wanted,
        not lost and not repeated and not document["left_in_tmp"],
        document["same_or_tie"],
    ]
    print(json.dumps(document))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
