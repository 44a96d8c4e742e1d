from dataclasses import replace
from pathlib import Path

import pytest

from vgate.harness.cells import Cell, expand
from vgate.harness.files import write_json
from vgate.harness.layout import CELL
from vgate.harness.store import RunBusy, RunFolder


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    return expand(["engine=dry_run", "load.users=1,2"], multirun=True)


def finish(folder: RunFolder, cell: Cell, when: str = "2026") -> None:
    with folder.writing(cell) as scratch:
        write_json(scratch / CELL, {"started_utc": when})


def test_a_cell_is_there_when_it_is_whole(tmp_path: Path, cells: list[Cell]) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked():
        with folder.writing(cells[0]) as scratch:
            write_json(scratch / CELL, {"started_utc": "2026"})
            assert not folder.has(cells[0])
            assert folder.finished() == []
        assert folder.has(cells[0])
        assert not folder.has(cells[1])
        assert len(folder.finished()) == 1


def test_a_cell_that_breaks_leaves_nothing(tmp_path: Path, cells: list[Cell]) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked():
        with pytest.raises(KeyboardInterrupt), folder.writing(cells[0]):
            raise KeyboardInterrupt
        assert list(folder.cells.iterdir()) == []


def test_the_scraps_of_a_killed_run_are_swept_up(tmp_path: Path, cells: list[Cell]) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked():
        finish(folder, cells[0])
        (folder.cells / ".half").mkdir()
    with folder.locked():
        assert [path.name.startswith(".") for path in folder.cells.iterdir()] == [False]
        assert folder.has(cells[0])


def test_finished_cells_are_in_the_order_of_their_measurement(tmp_path: Path, cells: list[Cell]) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked():
        finish(folder, cells[1], "2026-01-01")
        finish(folder, cells[0], "2026-01-02")
        assert ["users=2" in path.name for path in folder.finished()] == [True, False]


def test_a_failure_is_kept_until_the_cell_is_measured(tmp_path: Path, cells: list[Cell]) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked():
        folder.note_failure(cells[0], "it died")
        assert folder.failed() == [{"axes": {"load.users": "1"}, "round": 0, "reason": "it died"}]
        finish(folder, cells[0])
        assert folder.failed() == []


def test_two_benches_do_not_share_a_folder(tmp_path: Path) -> None:
    with RunFolder(tmp_path).locked(), pytest.raises(RunBusy, match="another bench"), RunFolder(tmp_path).locked():
        pass


def test_fresh_throws_away(tmp_path: Path, cells: list[Cell]) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked():
        finish(folder, cells[0])
    with folder.locked(fresh=True):
        assert not folder.has(cells[0])


def test_a_failure_is_past_once_its_cell_is_measured_however_it_was_called(tmp_path: Path, cells: list[Cell]) -> None:
    """A kill between the two steps leaves the note behind, and so does another spelling of the same sweep."""
    folder = RunFolder(tmp_path)
    with folder.locked():
        folder.note_failure(cells[0], "it died")
        folder.note_failure(replace(cells[0], axes={"named": "otherwise"}), "it died")
        folder.note_failure(cells[1], "it died too")
        note = next(folder.failures.glob("*users=1*"))
        content = note.read_bytes()
        finish(folder, cells[0])
        note.write_bytes(content)
        assert [one["axes"] for one in folder.failed()] == [{"load.users": "2"}]


def test_a_cell_that_is_set_aside_is_to_be_measured_again(tmp_path: Path, cells: list[Cell]) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked():
        for number in range(1, 3):
            finish(folder, cells[0], str(number))
            folder.set_aside(cells[0])
            assert not folder.has(cells[0])
            assert folder.earlier_attempts(folder.place(cells[0]).name) == number
        assert folder.earlier_attempts(folder.place(cells[1]).name) == 0
    with folder.locked(fresh=True):
        assert folder.earlier_attempts(folder.place(cells[0]).name) == 0
