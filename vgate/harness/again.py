"""Measurements that are made again when a run goes on."""

from vgate.harness.cells import Cell
from vgate.harness.progress import Progress
from vgate.harness.results import Result
from vgate.harness.store import RunFolder


def set_aside_invalid(cells: list[Cell], folder: RunFolder, progress: Progress) -> None:
    """Make room for another attempt at those of the cells that are INVALID; what they showed is kept beside the cells.

    A sweep decides by valid rows alone, so it goes on as if they had not been measured yet. Not those of a
    configuration that was dropped: it is surely worse without them. Raises Unreadable.
    """
    dropped = folder.dropped() if any(cell.settings.trial.prune for cell in cells) else {}
    there = [cell for cell in cells if folder.has(cell) and cell.effective_hash not in dropped]
    invalid = [cell for cell in there if Result.read(folder.place(cell)).invalid]
    for cell in invalid:
        folder.set_aside(cell)
    if invalid:
        kept = f"what they showed before is kept in {folder.attempts}"
        progress.say(f"{len(invalid)} of {len(cells)} cells were INVALID and are measured again; {kept}")
