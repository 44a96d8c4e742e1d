"""Many cells, as few engine starts as possible."""

import time
from itertools import groupby
from pathlib import Path

from vgate.harness.cells import Cell
from vgate.harness.driving import DriverFailed, LoadDriver
from vgate.harness.progress import Progress
from vgate.harness.server import Server, ServerFailed
from vgate.harness.store import RunFolder
from vgate.harness.trial import measure


class Sweep:
    """Measures the cells that a run's folder lacks, one after the other."""

    def __init__(self, folder: RunFolder, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._driver = LoadDriver(folder.logs / "driver.log")

    def run(self, cells: list[Cell]) -> None:
        """Measure all; a cell that fails is noted and the rest goes on. An exception leaves no process behind."""
        try:
            for _, group in groupby(cells, key=lambda cell: cell.engine_hash):
                self._run_on_one_engine(list(group))
        finally:
            self._driver.stop()

    def _run_on_one_engine(self, cells: list[Cell]) -> None:
        server: Server | None = None
        try:
            for cell in cells:
                server = server or self._start(cell)
                if server is None:
                    return self._give_up(cells[cells.index(cell) :])
                if not self._measure(cell, server):
                    server.stop()  # whatever went wrong, the next cell gets a fresh one
                    server = None
                else:
                    time.sleep(cell.settings.trial.cooldown_s)
        finally:
            if server is not None:
                server.stop()

    def _start(self, cell: Cell) -> Server | None:
        self._progress.start_server()
        self._driver.start()
        server = Server(cell.container, self._next_log())
        try:
            server.start(self._progress.tick)
        except ServerFailed as error:
            server.stop()
            self._fail(cell, str(error))
            return None
        except BaseException:
            server.stop()
            raise
        self._progress.server_started()
        return server

    def _measure(self, cell: Cell, server: Server) -> bool:
        self._progress.start_cell(cell)
        try:
            with self._folder.writing(cell) as folder:
                measure(cell, server, self._driver, folder, self._progress.tick)
        except (ServerFailed, DriverFailed) as error:
            self._fail(cell, str(error))
            return False
        self._progress.end_cell("done")
        return True

    def _give_up(self, cells: list[Cell]) -> None:
        """A server that cannot be started for the first of these cannot be for the others."""
        for cell in cells[1:]:
            self._fail(cell, "its server could not be started; see the first cell of this engine")

    def _fail(self, cell: Cell, reason: str) -> None:
        self._folder.note_failure(cell, reason)
        self._progress.end_cell(f"FAILED: {reason}")

    def _next_log(self) -> Path:
        starts = len(list(self._folder.logs.glob("server-*")))
        return self._folder.logs / f"server-{starts + 1}.log"
