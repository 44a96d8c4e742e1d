"""A command given again measures again what was INVALID, and nothing else."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rows import FakeRun, steady
from vgate.harness.again import invalid, set_aside
from vgate.harness.cells import Cell, expand
from vgate.harness.progress import Progress
from vgate.harness.results import load_run
from vgate.harness.store import RunFolder
from vgate.harness.summary import summary
from vgate.harness.verdict import judge


@pytest.fixture
def cells() -> list[Cell]:
    return expand(["engine=dry_run", "load.users=1,2", "trial.rounds=2"], multirun=True)


def measured(path: Path, cells: list[Cell], **changes: Any) -> RunFolder:
    """A run in which these cells are there."""
    made, folder = FakeRun(path), RunFolder(path)
    for number, cell in enumerate(cells, 1):
        made.add(steady(100), cell.axes, round=cell.round, effective=cell.effective_hash, **changes)
        (path / "cells" / f"cell{number}").rename(folder.place(cell))
    return folder


def again(cells: list[Cell], folder: RunFolder) -> str:
    said = io.StringIO()
    set_aside(invalid(cells, folder), folder, Progress([], said))
    return said.getvalue()


def test_what_is_valid_stays(tmp_path: Path, cells: list[Cell]) -> None:
    folder = measured(tmp_path, cells[:2])
    with folder.locked():
        assert again(cells, folder) == ""
        assert [folder.has(cell) for cell in cells] == [True, True, False, False]


def test_what_is_invalid_makes_room_and_its_rows_are_kept(tmp_path: Path, cells: list[Cell]) -> None:
    folder = measured(tmp_path, cells[:1], cpu_share=0.95)
    with folder.locked():
        assert "1 INVALID cells are measured again" in again(cells, folder)
        assert not folder.has(cells[0])
        (kept,) = folder.attempts.iterdir()
        assert kept.name == f"{folder.place(cells[0]).name}-1"
        assert (kept / "requests.parquet").exists()


def test_how_many_attempts_there_were_is_told(tmp_path: Path, cells: list[Cell]) -> None:
    folder = measured(tmp_path, cells[:2])
    with folder.locked():
        folder.set_aside(cells[0])
        (kept,) = folder.attempts.iterdir()
        shutil.copytree(kept, folder.place(cells[0]))
    run = load_run(tmp_path)
    assert run.attempts == {folder.place(cells[0]).name: 1}
    assert sorted(cell["attempts"] for cell in summary(run)["cells"]) == [1, 2]
    assert any("1 measurements were made again, up to 2 attempts" in detail for detail in judge(run).details)


def test_a_configuration_that_was_dropped_is_not_measured_again(tmp_path: Path, cells: list[Cell]) -> None:
    """Unless nothing is to be dropped any more."""
    folder = measured(tmp_path, cells[:1], cpu_share=0.95)
    with folder.locked():
        folder.note_dropped(cells[0].effective_hash, "surely worse")
        assert again(cells, folder) == ""
        everything = expand(["engine=dry_run", "load.users=1,2", "trial.rounds=2", "trial.prune=false"], multirun=True)
        folder.place(cells[0]).rename(folder.place(everything[0]))
        assert "1 INVALID" in again(everything, folder)
