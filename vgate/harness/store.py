"""The folder of a run: results/<run>/ with one sub-folder per finished cell."""

import fcntl
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from vgate.config.errors import wrong
from vgate.harness.cells import Cell
from vgate.harness.files import SCRATCH, write_json
from vgate.harness.layout import CELL
from vgate.harness.reading import read_object


class RunBusy(Exception):
    """Another bench is writing into this run's folder."""


class RunFolder:
    """What has been measured in a run. A cell's folder appears under its name only when it is complete."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cells = path / "cells"
        self.logs = path / "logs"
        self.failures = path / "failures"
        self.attempts = path / "attempts"
        self._dropped = path / "dropped"

    @contextmanager
    def locked(self, fresh: bool = False) -> Iterator[None]:
        """Create the folder and keep other benches out; raises RunBusy. `fresh` throws earlier results away."""
        with self._lock_file() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunBusy(f"{self.path}: another bench is measuring this run") from None
            if fresh:
                self._clear()
            for folder in (self.cells, self.logs, self.failures, self._dropped):
                folder.mkdir(exist_ok=True)
            for scrap in [*self.cells.glob(".*"), *self.path.glob(SCRATCH)]:
                _remove(scrap)
            yield

    def _lock_file(self) -> TextIO:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            return (self.path / ".lock").open("w")
        except OSError as error:
            why = f"{error.strerror or error}; must be a folder that can be written to"
            raise wrong("trial.results_dir", str(self.path.parent), str(self.path), why) from None

    def place(self, cell: Cell) -> Path:
        """The cell's folder, there or not. Its key decides; the words before it are those of whoever measured it."""
        words = re.sub(r"[^A-Za-z0-9._=-]+", ",", cell.label)[:80]
        there = next(self.cells.glob(f"[!.]*-{cell.key}"), None)
        return there or self.cells / f"{words}-r{cell.round}-{cell.key}"

    def relabel(self, cells: Iterable[Cell]) -> None:
        """Call what is finished as these cells are called: the same sweep may be spelt in another way."""
        axes = {cell.config_hash: cell.axes for cell in cells}
        for folder in self.finished():
            about = read_object(folder / CELL, "axes")
            wanted = axes.get(str(about.get("config_hash")), about["axes"])
            if list(wanted.items()) != list(about["axes"].items()):
                write_json(folder / CELL, about | {"axes": wanted})

    def has(self, cell: Cell) -> bool:
        """Whether the cell has been measured."""
        return (self.place(cell) / CELL).exists()

    @contextmanager
    def writing(self, cell: Cell) -> Iterator[Path]:
        """A folder to measure into; it becomes the cell's when the block ends well, and vanishes when it does not."""
        place = self.place(cell)
        scratch = place.with_name(f".{place.name}")
        scratch.mkdir()
        try:
            yield scratch
            scratch.rename(place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        self._failure(cell).unlink(missing_ok=True)

    def set_aside(self, cell: Cell) -> None:
        """Take a measured cell out of the run, so that it is measured again; its files are kept as an attempt."""
        place = self.place(cell)
        self.attempts.mkdir(exist_ok=True)
        place.rename(self.attempts / f"{place.name}-{self.earlier_attempts(place.name) + 1}")

    def earlier_attempts(self, name: str) -> int:
        """How often the cell whose folder is called `name` was set aside."""
        return len(list(self.attempts.glob(f"*-{_key(name)}-*")))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder for what is not a cell; it vanishes with the block, or when a killed run is continued."""
        folder = self.cells / ".scratch"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def note_failure(self, cell: Cell, reason: str, traceback: str | None = None) -> Path:
        """Keep why a cell could not be measured; the next run tries again. Returns the file that says so."""
        path, about = self._failure(cell), {"axes": cell.axes, "round": cell.round, "reason": reason}
        write_json(path, about | ({"traceback": traceback.splitlines()} if traceback else {}))
        return path

    def finished(self) -> list[Path]:
        """The folders of all finished cells, in the order in which they were measured."""
        folders = [path.parent for path in self.cells.glob(f"[!.]*/{CELL}")]
        return sorted(folders, key=lambda folder: str(read_object(folder / CELL, "started_utc")["started_utc"]))

    def note_dropped(self, key: str, words: str) -> None:
        """Keep that a configuration, by its `effective_hash`, was not measured to the end, and why."""
        write_json(self._dropped / f"{key}.json", {"words": words})

    def forget_dropped(self) -> None:
        """Before it is decided anew, from the rows, who is dropped."""
        for path in self._dropped.iterdir():
            path.unlink()

    def dropped(self) -> dict[str, str]:
        """Which configurations were not measured to the end: `effective_hash` -> why, in words."""
        return {path.stem: read_object(path, "words")["words"] for path in sorted(self._dropped.glob("[!.]*.json"))}

    def failed(self) -> list[dict[str, Any]]:
        """What could not be measured, and has not been since: axes, round, reason."""
        measured = {_key(folder.name) for folder in self.finished()}
        notes = [path for path in self.failures.glob("[!.]*.json") if _key(path.stem) not in measured]
        found = [read_object(path, "axes", "round", "reason") for path in notes]
        return sorted(found, key=lambda failure: (str(failure["axes"]), failure["round"]))

    def _failure(self, cell: Cell) -> Path:
        return self.failures / f"r{cell.round}-{cell.key}.json"

    def _clear(self) -> None:
        for path in self.path.iterdir():
            if path.name != ".lock":
                _remove(path)


def _key(name: str) -> str:
    """The cell's key, of the name of its folder or of its failure."""
    return name.rpartition("-")[2]


def _remove(path: Path) -> None:
    """A folder with all in it, or whatever else stands under that name."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
