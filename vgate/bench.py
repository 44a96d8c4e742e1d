"""The bench: `python -m vgate.bench +preset=cpu`, a sweep with `-m`, a named question with `+experiment=demo`."""

import sys
from pathlib import Path
from typing import Any

from vgate.config import cli
from vgate.config.own_preset import preset_path
from vgate.harness.cells import Cell, expand, run_name
from vgate.harness.held import held
from vgate.harness.order import ordered
from vgate.harness.progress import Progress
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
        cli.show(cells[0].container, list(cells[0].notes))
        return 0
    folder = RunFolder(Path(cells[0].settings.trial.results_dir) / run_name(cells))
    with held(folder, args.fresh):
        return _measure_and_report(cells, folder, args.write_preset)


def _measure_and_report(cells: list[Cell], folder: RunFolder, preset: str | None) -> int:
    # Only now: what measures and reports takes seconds to load, and a wrong setting should not wait for it.
    from vgate.harness.again import invalid, set_aside
    from vgate.harness.circumstances import circumstances
    from vgate.harness.manifest import session

    now, trial, experiment = circumstances(sys.argv[1:], cells), cells[0].settings.trial, cells[0].settings.experiment
    question, bad = experiment.question if experiment else None, invalid(cells, folder)
    mix = trial.mix or not (bad or _missing(cells, folder))
    with session(folder, now, mix=mix, question=question, seed=trial.seed, cells=len(cells)):
        folder.relabel(cells)
        set_aside(bad, folder, Progress([]))
        if preset and _too_few_rounds(cells) and _missing(cells, folder):
            note = "so few rounds name no winner, and --write-preset writes only one; trial.rounds=3 may show it"
            print(f"note: {note}", file=sys.stderr)
        _measure(cells, folder, now)
    code = _report(folder)
    return (_write_preset(folder, preset) or code) if preset else code


def _measure(cells: list[Cell], folder: RunFolder, now: dict[str, Any]) -> None:
    from vgate.harness.adoption import adopt, elsewhere
    from vgate.harness.sweep import sweep

    trial = cells[0].settings.trial
    if not _prunes(cells):
        folder.forget_dropped()
    taken = adopt(cells, folder, now) if trial.reuse else {}
    missing = _missing(cells, folder)
    progress = Progress(missing)
    for note in dict.fromkeys(note for cell in cells for note in cell.notes):
        progress.say(f"note: {note}")
    for run, count in taken.items():
        progress.say(f"{count} cells are taken from {run}")
    progress.say(f"{folder.path}: {_what_to_do(cells, missing, folder)}")
    for run, count in ({} if trial.reuse else elsewhere(missing, folder)).items():
        progress.say(f"note: {run} has measured {count} of them; trial.reuse=true takes what is valid there")
    if missing:
        sweep(cells, folder, progress)


def _missing(cells: list[Cell], folder: RunFolder) -> list[Cell]:
    """What is still to be measured, in its order."""
    dropped = folder.dropped() if _prunes(cells) else {}
    return [cell for cell in ordered(cells) if not folder.has(cell) and cell.effective_hash not in dropped]


def _prunes(cells: list[Cell]) -> bool:
    return any(cell.settings.trial.prune for cell in cells)


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
