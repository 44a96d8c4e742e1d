from dataclasses import replace
from pathlib import Path

import pytest

from vgate.config import ConfigError
from vgate.harness.cells import Cell, expand
from vgate.harness.files import read_json, write_json
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
        folder.note_failure(replace(cells[0], axes={"named": "otherwise"}), "it died")
        note = next(folder.failures.iterdir())
        folder.note_failure(cells[1], "it died too")
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


def test_the_same_sweep_with_its_axes_in_another_order_is_there(tmp_path: Path) -> None:
    """And is called as it is called now, so that its rounds are one configuration's."""
    axes = ["load.users=2,4", "batch=lockstep,time_window"]
    first, second = (expand(["engine=dry_run", *words], multirun=True) for words in (axes, axes[::-1]))
    folder = RunFolder(tmp_path)
    with folder.locked():
        for cell in first:
            with folder.writing(cell) as scratch:
                about = {"started_utc": "2026", "config_hash": cell.config_hash, "axes": cell.axes}
                write_json(scratch / CELL, about)
        assert all(map(folder.has, second))
        folder.relabel(second)
        kept = [list(read_json(path / CELL)["axes"]) for path in folder.finished()]
        assert kept == [["batch", "load.users"]] * 4


def test_a_failure_is_the_cells_however_it_is_called(tmp_path: Path) -> None:
    axes = ["load.users=2", "batch=lockstep"]
    (first,), (second,) = (expand(["engine=dry_run", *words], multirun=True) for words in (axes, axes[::-1]))
    folder = RunFolder(tmp_path)
    with folder.locked():
        folder.note_failure(first, "it died")
        finish(folder, second)
        assert folder.failed() == []


def test_what_is_no_folder_is_swept_up_too(tmp_path: Path, cells: list[Cell]) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked():
        finish(folder, cells[0])
    (folder.cells / ".DS_Store").write_text("", encoding="utf-8")
    (folder.path / ".manifest.json.0123.tmp").write_text("", encoding="utf-8")
    (folder.path / "elsewhere").symlink_to(tmp_path)
    with folder.locked():
        assert [path.name.startswith(".") for path in folder.cells.iterdir()] == [False]
        assert not list(folder.path.glob("*.tmp"))
    with folder.locked(fresh=True):
        assert not (folder.path / "elsewhere").is_symlink()


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("", encoding="utf-8")
    with (
        pytest.raises(ConfigError, match=r"^trial\.results_dir = .*must be a folder"),
        RunFolder(tmp_path / "results" / "run").locked(),
    ):
        pass
