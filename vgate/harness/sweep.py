"""Many cells, as few engine starts as possible."""

from vgate.harness.cells import Cell
from vgate.harness.progress import Progress
from vgate.harness.rig import Rig
from vgate.harness.store import RunFolder


def sweep(cells: list[Cell], folder: RunFolder, progress: Progress) -> None:
    """Measure the cells in their order; one that fails is noted and the rest goes on."""
    with Rig(folder, progress) as rig:
        for cell in cells:
            rig.measure(cell)
