"""Many cells, as few engine starts as possible.

No launcher plugin of Hydra's: a launcher gets jobs that know nothing of each other, and must give a result for each.
Here they share a server, later ones depend on what earlier ones showed, and a killed sweep goes on where it was. What
is taken from Hydra is its language of sweeps and its expansion of it (`vgate.harness.cells`).
"""

from vgate.harness.cells import Cell
from vgate.harness.order import blocks
from vgate.harness.progress import Progress
from vgate.harness.pruning import surely_worse
from vgate.harness.results import Result
from vgate.harness.rig import Rig
from vgate.harness.store import RunFolder


def sweep(cells: list[Cell], folder: RunFolder, progress: Progress) -> None:
    """Measure what the folder lacks of the cells, in random blocks; one that fails is noted and the rest goes on.

    With `trial.prune`, configurations that are surely worse than another of the same engine are dropped on the way. Who
    is follows from the rows in the folder alone: a sweep that is continued decides as one that was never interrupted.
    """
    folder.forget_dropped()
    with Rig(folder, progress) as rig:
        for engine in blocks(cells):
            _Engine(engine, rig, folder, progress).run()


class _Engine:
    """The part of a sweep that one engine start serves."""

    def __init__(self, rounds: list[list[Cell]], rig: Rig, folder: RunFolder, progress: Progress) -> None:
        self._rounds = rounds
        self._rig = rig
        self._folder = folder
        self._progress = progress
        self._results: list[Result] = []
        self._candidates = {cell.effective_hash for block in rounds for cell in block}
        self._left = set(self._candidates)

    def run(self) -> None:
        for done, block in enumerate(self._rounds, start=1):
            for cell in self._staying(block):
                result = self._rig.measure(cell)
                self._results += [result] if result else []
            self._drop(done)

    def _staying(self, block: list[Cell]) -> list[Cell]:
        return [cell for cell in block if cell.effective_hash in self._left]

    def _drop(self, done: int) -> None:
        """Look who is surely worse, if there is anything to be saved by it."""
        to_come = [cell for block in self._rounds[done:] for cell in self._staying(block)]
        if not any(cell.settings.trial.prune for cell in to_come):
            return
        staying = [result for result in self._results if result.about["effective_hash"] in self._left]
        for dropped in surely_worse(staying, done, len(self._candidates)):
            self._left.remove(dropped.key)
            self._folder.note_dropped(dropped.key, dropped.words)
            self._progress.drop([cell for cell in to_come if cell.effective_hash == dropped.key], dropped.words)
