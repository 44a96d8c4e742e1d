"""The bench: `python -m vgate.bench +preset=cpu`, a sweep with `-m`, a named question with `+experiment=demo`."""

import sys
import time
from pathlib import Path
from typing import Any

from vgate.config import cli
from vgate.config.own_preset import preset_path
from vgate.harness.cells import Cell, expand, run_name
from vgate.harness.files import write_json
from vgate.harness.held import held
from vgate.harness.layout import MANIFEST
from vgate.harness.manifest import circumstances, secrets_of
from vgate.harness.order import ordered
from vgate.harness.progress import Progress
from vgate.harness.reading import read_manifest
from vgate.harness.store import RunFolder


def main() -> int:
    """Exit codes: 0 all valid, 1 some failed or INVALID, 2 a wrong setting, 130 stopped; finished cells are kept."""
    parser = cli.parser("bench", "Measure a gateway under load: one trial, a sweep (-m), or a named experiment.")
    parser.add_argument(
        "-m", "--multirun", action="store_true", help="sweep: every combination of comma-separated values"
    )
    parser.add_argument("--fresh", action="store_true", help="throw away what this run has measured before")
    parser.add_argument("--write-preset", metavar="NAME", help="then write the winner as conf/preset/NAME.yaml")
    args = cli.parse(parser)
    if args.write_preset:
        preset_path(args.write_preset)  # a wrong name should not wait for the measurements
    cells = expand(args.overrides, args.multirun)
    if args.cfg:
        cli.show(cells[0].container, [])
        return 0
    folder = RunFolder(Path(cells[0].settings.trial.results_dir) / run_name(cells))
    with held(folder, args.fresh):
        return _measure_and_report(cells, folder, args.write_preset)


def _measure_and_report(cells: list[Cell], folder: RunFolder, preset: str | None) -> int:
    # Only now: what measures and reports takes seconds to load, and a wrong setting should not wait for it.
    from vgate.harness.adoption import adopt
    from vgate.harness.again import set_aside_invalid
    from vgate.harness.sweep import sweep

    now = circumstances(sys.argv[1:], secrets_of(cells))
    set_aside_invalid(cells, folder, Progress([]))
    taken = adopt(cells, folder, now) if cells[0].settings.trial.reuse else {}
    missing = _missing(cells, folder)
    progress = Progress(missing)
    for run, count in taken.items():
        progress.say(f"{count} cells are taken from {run}")
    manifest = _open_manifest(folder, cells, progress, now)
    progress.say(f"{folder.path}: {_what_to_do(cells, missing, folder)}")
    if preset and missing and _too_few_rounds(cells):
        progress.say(
            "note: so few rounds name no winner, and --write-preset writes only one; trial.rounds=3 may show it"
        )
    begin = time.monotonic()
    if missing:
        sweep(cells, folder, progress)
    manifest["sessions"][-1]["wall_s"] = round(time.monotonic() - begin, 1)
    write_json(folder.path / MANIFEST, manifest | {"finished": True})
    code = _report(folder)
    return (_write_preset(folder, preset) or code) if preset else code


def _missing(cells: list[Cell], folder: RunFolder) -> list[Cell]:
    """What is still to be measured, in its order."""
    if not any(cell.settings.trial.prune for cell in cells):
        folder.forget_dropped()
    dropped = folder.dropped()
    return [cell for cell in ordered(cells) if not folder.has(cell) and cell.effective_hash not in dropped]


def _too_few_rounds(cells: list[Cell]) -> bool:
    """Whether several configurations will have too few for a verdict."""
    from vgate.harness.interval import MINIMUM_RUNS  # brings scipy

    return len({cell.effective_hash for cell in cells}) > 1 and cells[0].settings.trial.rounds < MINIMUM_RUNS


def _what_to_do(cells: list[Cell], missing: list[Cell], folder: RunFolder) -> str:
    if missing:
        return f"{len(missing)} of {len(cells)} cells to measure"
    there = sum(folder.has(cell) for cell in cells)
    some = f"{there} of {len(cells)} cells, all that were not dropped,"
    which = f"all {there} cells" if there == len(cells) else some
    return f"{which} are there already; --fresh measures again"


def _open_manifest(folder: RunFolder, cells: list[Cell], progress: Progress, now: dict[str, Any]) -> dict[str, Any]:
    """Add this session to the run's manifest: a run that was continued was measured under several circumstances."""
    path = folder.path / MANIFEST
    earlier = read_manifest(path)["sessions"] if path.exists() else []
    if earlier and earlier[-1]["git"] != now["git"] and any(folder.has(cell) for cell in cells):
        progress.say("note: the source has changed since the finished cells were measured; --fresh measures them again")
    experiment = cells[0].settings.experiment
    manifest = {
        "name": folder.path.name,
        "question": experiment.question if experiment else None,
        "seed": cells[0].settings.trial.seed,
        "cells": len(cells),
        "finished": False,
        "sessions": [*earlier, now],
    }
    write_json(path, manifest)
    return manifest


def _report(folder: RunFolder) -> int:
    """Table, verdict and report of what there is; 1 if anything failed or is INVALID."""
    from vgate.harness.index import update_index
    from vgate.harness.report import write_report
    from vgate.harness.results import load_run
    from vgate.harness.summary import write_summary
    from vgate.harness.table import table
    from vgate.harness.verdict import judge

    run = load_run(folder.path)
    write_summary(run)
    verdict = judge(run)
    print(f"\n{table(run)}\n\n{verdict.headline}")
    print("\n".join(verdict.details))
    print(f"\n{write_report(run)}")
    update_index(folder.path.parent)
    return 1 if run.failed or any(result.invalid for result in run.results) else 0


def _write_preset(folder: RunFolder, name: str) -> int:
    """1 if the run has no winner, or an INVALID one."""
    from vgate.harness.preset import Refused, winner, write_preset
    from vgate.harness.results import load_run

    run = load_run(folder.path)
    try:
        print(write_preset(run, winner(run), name))
    except Refused as error:
        print(f"vgate: no preset: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    cli.run(main)
