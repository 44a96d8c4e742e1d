"""Cells that another run has measured already."""

import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from vgate.config.secrets import without_secrets
from vgate.harness.cells import Cell
from vgate.harness.files import read_json, write_json, write_yaml
from vgate.harness.layout import CELL, CONFIG, MANIFEST
from vgate.harness.manifest import session_at
from vgate.harness.reading import Unreadable, read_manifest
from vgate.harness.results import Result
from vgate.harness.store import RunFolder

SAME = ("source", "python", "packages")  # of the circumstances; of the machine all but how busy it was


def adopt(cells: list[Cell], folder: RunFolder, now: dict[str, Any]) -> dict[str, int]:
    """Take over, from the runs beside `folder`, valid measurements of these cells in circumstances as they are `now`.

    Gives how many came from which run; in a cell's `cell.json` it stands under `taken_from`.
    """
    taken: dict[str, int] = {}
    there = _by_key(folder)
    for cell in cells:
        found = None if folder.has(cell) else next(_fitting(there[cell.key], cell, now), None)
        if found is not None:
            run = found.parents[1].name
            _copy(found, run, cell, folder)
            taken[run] = taken.get(run, 0) + 1
    return taken


def elsewhere(cells: list[Cell], folder: RunFolder) -> dict[str, int]:
    """How many of these cells each of the other runs has measured, under whatever circumstances."""
    there = _by_key(folder)
    runs = [run for cell in cells for run in {path.parents[1].name for path in there[cell.key]}]
    return {run: runs.count(run) for run in dict.fromkeys(runs)}


def _by_key(folder: RunFolder) -> dict[str, list[Path]]:
    """The cells of the runs beside `folder` by their key."""
    found = defaultdict(list)
    for path in sorted(folder.path.parent.glob(f"*/cells/[!.]*/{CELL}")):
        if path.parents[2] != folder.path:
            found[path.parent.name.rpartition("-")[2]].append(path.parent)
    return found


def _fitting(folders: list[Path], cell: Cell, now: dict[str, Any]) -> Iterator[Path]:
    """Those that hold this very cell."""
    for path in folders:
        with suppress(Unreadable):  # another run's, of which this one has no need
            found = Result.read(path)
            session = session_at(read_manifest(path.parents[1] / MANIFEST)["sessions"], found.about["started_utc"])
            if found.about["key"] == cell.key and _same(session, now) and not found.invalid:
                yield path


def _same(then: dict[str, Any], now: dict[str, Any]) -> bool:
    return all(then.get(name) == now[name] for name in SAME) and _machine(then) == _machine(now) and _models(then, now)


def _models(then: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether no model that both know had another commit on its hub."""
    before, present = then.get("models", {}), now.get("models", {})
    return all(before[name] == present[name] for name in before.keys() & present.keys() if before[name])


def _machine(session: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in session["machine"].items() if not name.startswith("load")}


def _copy(found: Path, run: str, cell: Cell, folder: RunFolder) -> None:
    with folder.writing(cell) as scratch:
        shutil.copytree(found, scratch, dirs_exist_ok=True)
        about = read_json(found / CELL)
        hashes = {"config_hash": cell.config_hash, "effective_hash": cell.effective_hash}
        # Measured alike, it may have been held to other targets, and called otherwise.
        write_yaml(scratch / CONFIG, without_secrets(cell.container))
        write_json(scratch / CELL, {"taken_from": run, **about, "axes": cell.axes, **hashes})
