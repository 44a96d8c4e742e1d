"""Measurements that are made again when a run goes on."""

from vgate.harness.cells import Cell
from vgate.harness.progress import Progress
from vgate.harness.results import Result
from vgate.harness.store import RunFolder


def invalid(cells: list[Cell], folder: RunFolder) -> list[Cell]:
    """Those of the cells whose measurement is INVALID, so that they are to be measured again. Raises Unreadable.

    Not those of a configuration that was dropped: it is surely worse without them.
    """
    dropped = folder.dropped() if any(cell.settings.trial.prune for cell in cells) else {}
    there = [cell for cell in cells if folder.has(cell) and cell.effective_hash not in dropped]
    return [cell for cell in there if Result.read(folder.place(cell)).invalid]


def set_aside(cells: list[Cell], folder: RunFolder, progress: Progress) -> None:
    """Make room for another attempt at these cells; what they showed is kept beside the cells, and that is said."""
    for cell in cells:
        folder.set_aside(cell)
    if cells:
        kept = f"what they showed before is kept in {folder.attempts}"
        progress.say(f"{len(cells)} INVALID cells are measured again; {kept}")
