"""A server and a load driver that measure one cell after the other."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from vgate.harness.cells import Cell
from vgate.harness.certificate import certify, save
from vgate.harness.driving import DriverFailed, LoadDriver
from vgate.harness.layout import CERTIFICATE
from vgate.harness.progress import Progress
from vgate.harness.results import Result
from vgate.harness.server import Server, ServerFailed
from vgate.harness.store import RunFolder
from vgate.harness.trial import drivers, measure

NO_SERVER = "its server could not be started; see the first cell of this engine"


class Rig:
    """Sweeps, searches and comparisons measure with it. A context: leaving it, however, leaves no process behind.

    The engine is restarted only where a cell's `engine_hash` differs from that of the cell before it.
    driver: another rig's, so that both send with the same processes.
    """

    def __init__(self, folder: RunFolder, progress: Progress, driver: LoadDriver | None = None) -> None:
        self._folder = folder
        self._progress = progress
        self.driver = driver or LoadDriver(folder.logs / "driver.log")
        self._server: Server | None = None
        self._engine: str | None = None  # the engine_hash that `_server` serves
        self._broken: set[str] = set()  # engine hashes whose server could not be started
        self._rest_until = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.driver.stop()
        self._stop_server()

    def has(self, cell: Cell) -> bool:
        """Whether the cell has been measured already."""
        return self._folder.has(cell)

    def measure(self, cell: Cell) -> Result | None:
        """The cell's result, from the folder if it is there already. None if it failed; the folder knows why."""
        if self._folder.has(cell):
            return self._folder_result(cell)
        self._progress.turn_to(cell)
        try:
            self._certify(cell)
            server = self._serving(cell)
            self._measure(cell, server)
        except (ServerFailed, DriverFailed) as error:
            self._stop_server()  # whatever went wrong, the next cell gets a fresh one
            self._folder.note_failure(cell, str(error))
            self._progress.end_cell(f"FAILED: {error}")
            return None
        self._progress.end_cell(f"done, graph {cell.graph_hash}")
        return self._folder_result(cell)

    def _certify(self, cell: Cell) -> None:
        """Once, before the first measurement: what the instrument itself adds, on this machine and now."""
        if self.driver.certified or not cell.settings.trial.certify:
            return
        with self._folder.scratch() as scratch:
            found = certify(self.driver, scratch, self._progress.tick, drivers(cell))
        save(found, self._folder.path / CERTIFICATE)
        self._progress.say(found.words)
        self.driver.certified = True

    def _serving(self, cell: Cell) -> Server:
        """A running server for this cell's engine; raises ServerFailed."""
        if self._server is not None and self._engine == cell.engine_hash:
            return self._server
        self._stop_server()
        if cell.engine_hash in self._broken:
            raise ServerFailed(NO_SERVER)
        self._progress.start_server()
        self.driver.start()  # takes seconds too
        self._server, self._engine = Server(cell.container, self._next_log()), cell.engine_hash
        try:
            self._server.start(self._progress.tick)
        except ServerFailed:
            self._broken.add(cell.engine_hash)
            raise
        self._progress.server_started()
        return self._server

    def _measure(self, cell: Cell, server: Server) -> None:
        time.sleep(max(0.0, self._rest_until - time.monotonic()))
        self._progress.start_cell(cell)
        with self._folder.writing(cell) as folder:
            measure(cell, server, self.driver, folder, self._progress.tick)
        self._rest_until = time.monotonic() + cell.settings.trial.cooldown_s

    def _stop_server(self) -> None:
        if self._server is not None:
            self._server.stop()
        self._server = self._engine = None

    def _folder_result(self, cell: Cell) -> Result:
        return Result.read(self._folder.place(cell))

    def _next_log(self) -> Path:
        starts = len(list(self._folder.logs.glob("server-*")))
        return self._folder.logs / f"server-{starts + 1}.log"
