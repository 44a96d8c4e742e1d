"""A server and a load driver that measure one cell after the other."""

import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Self

from vgate import open_files
from vgate.harness.cells import Cell
from vgate.harness.certificate import certify, save
from vgate.harness.connections import too_many
from vgate.harness.driving import DriverFailed, LoadDriver
from vgate.harness.layout import CERTIFICATE
from vgate.harness.progress import Progress
from vgate.harness.results import Result
from vgate.harness.server import Server, ServerBusy, ServerFailed
from vgate.harness.store import RunFolder
from vgate.harness.trial import drivers, measure

NO_SERVER = "its server could not be started in two tries; see the first cell of this engine"
MOST_CERTIFICATES = 4  # numbers of driver processes; a search over rates could come to many, at seconds each


class Rig:
    """Sweeps, searches and comparisons measure with it. A context: leaving it, however, leaves no process behind.

    The engine is restarted only where a cell's `engine_hash` differs from that of the cell before it, where something
    went wrong, or where the server is still busy with the cell before. A start that fails is tried once more.
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
        """The cell's result, from the folder if it is there already. None if it failed; the folder knows why.

        A fault of the bench itself costs this cell, not those after it; its traceback is in the folder too.
        """
        if self._folder.has(cell):
            return self._folder_result(cell)
        self._progress.turn_to(cell)
        try:
            self._check(cell)
            self._certify(cell)
            self._attempt(cell)
        except (ServerFailed, DriverFailed) as error:
            self._fail(cell, str(error))
            return None
        except Exception as error:  # noqa: BLE001  told, kept with its traceback, and the exit code says so
            words = f"a fault of the bench itself: {type(error).__name__}: {error}"
            self._fail(cell, words, traceback.format_exc())
            return None
        self._progress.end_cell(f"done, graph {cell.graph_hash}")
        return self._folder_result(cell)

    def _fail(self, cell: Cell, reason: str, trace: str | None = None) -> None:
        self._stop_server()  # whatever went wrong, the next cell gets a fresh one
        path = self._folder.note_failure(cell, reason, trace)
        self._progress.end_cell(f"FAILED: {reason}" + (f"; its traceback is in {path}" if trace else ""))

    def _check(self, cell: Cell) -> None:
        """Raises DriverFailed for a load that this machine cannot make, before anything is started for it."""
        why = too_many(cell.container["load"], open_files.most())
        if why:
            raise DriverFailed(why)

    def _certify(self, cell: Cell) -> None:
        """Once for each number of driver processes: what the instrument itself adds, on this machine and now."""
        count, done = drivers(cell), self.driver.certified
        if count in done or not cell.settings.trial.certify:
            return
        if len(done) >= MOST_CERTIFICATES:
            self._progress.say(f"the load driver has no certificate for {count} processes: {len(done)} are enough")
        else:
            with self._folder.scratch() as scratch:
                found = certify(self.driver, scratch, self._progress.tick, count)
            save(found, self._folder.path / CERTIFICATE)
            self._progress.say(found.words)
        done.add(count)

    def _attempt(self, cell: Cell) -> None:
        """Measure; where the cell before has left the server busy, on a fresh one: it is not this cell's fault."""
        try:
            self._measure(cell, self._serving(cell))
        except ServerBusy as error:
            self._progress.say(f"the server does not come to rest and is started anew: {error}")
            self._stop_server()
            self._measure(cell, self._serving(cell))

    def _serving(self, cell: Cell) -> Server:
        """A running server for this cell's engine; raises ServerFailed."""
        if self._server is not None and self._engine == cell.engine_hash:
            return self._server
        self._stop_server()
        if cell.engine_hash in self._broken:
            raise ServerFailed(NO_SERVER)
        try:
            return self._start(cell)
        except ServerFailed as error:
            self._progress.say(f"the server did not start and is tried once more: {error}")
            self._stop_server()
        try:
            return self._start(cell)
        except ServerFailed:
            self._broken.add(cell.engine_hash)
            raise

    def _start(self, cell: Cell) -> Server:
        self._progress.start_server()
        self.driver.start()  # takes seconds too
        self._server, self._engine = Server(cell.container, self._next_log()), cell.engine_hash
        self._server.start(self._progress.tick)
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
