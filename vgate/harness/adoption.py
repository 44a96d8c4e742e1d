"""Cells that another run has measured already."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from vgate.harness.cells import Cell
from vgate.harness.files import read_json, write_json
from vgate.harness.layout import CELL, MANIFEST
from vgate.harness.reading import Unreadable, read_manifest
from vgate.harness.results import Result
from vgate.harness.store import RunFolder

SAME = ("source", "python", "packages")  # of the circumstances; of the machine all but how busy it was


def adopt(cells: list[Cell], folder: RunFolder, now: dict[str, Any]) -> dict[str, int]:
    """Take over, from the runs beside `folder`, valid measurements of these cells in circumstances as they are `now`.

    Gives how many came from which run; in a cell's `cell.json` it stands under `taken_from`.
    """
    taken: dict[str, int] = {}
    for cell in cells:
        found = None if folder.has(cell) else next(_elsewhere(cell, folder, now), None)
        if found is not None:
            run = found.parents[1].name
            _copy(found, run, cell, folder)
            taken[run] = taken.get(run, 0) + 1
    return taken


def _elsewhere(cell: Cell, folder: RunFolder, now: dict[str, Any]) -> Iterator[Path]:
    """Folders of other runs that hold this very cell."""
    for path in sorted(folder.path.parent.glob(f"*/cells/[!.]*-{cell.key[:8]}/{CELL}")):
        with suppress(Unreadable):  # another run's, of which this one has no need
            found = Result.read(path.parent)
            session = _session(path.parents[2], found.about["started_utc"])
            if found.about["key"] == cell.key and _same(session, now) and not found.invalid:
                yield path.parent


def _session(run: Path, moment: str) -> dict[str, Any]:
    """The circumstances in which a run was at a moment, UTC as in ISO 8601."""
    sessions = read_manifest(run / MANIFEST)["sessions"]
    return next((one for one in reversed(sessions) if one["utc"] <= moment), {})


def _same(then: dict[str, Any], now: dict[str, Any]) -> bool:
    return all(then.get(name) == now[name] for name in SAME) and _machine(then) == _machine(now)


def _machine(session: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in session["machine"].items() if not name.startswith("load")}


def _copy(found: Path, run: str, cell: Cell, folder: RunFolder) -> None:
    with folder.writing(cell) as scratch:
        shutil.copytree(found, scratch, dirs_exist_ok=True)
        about = read_json(found / CELL)
        write_json(scratch / CELL, {"taken_from": run, **about, "axes": cell.axes})
