"""What programs that measure do around a run's folder, the same for all of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from vgate.harness.held import held
from vgate.harness.store import RunFolder


def file_in_the_way(path: Path) -> Path:
    """Below a file nothing can be written, not even by root."""
    path.write_text("a file", encoding="utf-8")
    return path / "results"


def test_a_folder_that_cannot_be_written_ends_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = file_in_the_way(tmp_path / "file")
    with pytest.raises(SystemExit) as ended, held(RunFolder(results / "run"), unwritable=4):
        raise AssertionError
    assert ended.value.code == 4
    told = f"vgate: trial.results_dir = '{results}' (from {results}/run): Not a directory; must be a folder that can be"
    assert capsys.readouterr().err == f"{told} written to\n"


def test_so_does_one_of_which_a_part_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    file_in_the_way(tmp_path / "run" / "cells")
    with pytest.raises(SystemExit) as ended, held(RunFolder(tmp_path / "run"), unwritable=4):
        raise AssertionError
    assert ended.value.code == 4
    assert capsys.readouterr().err.startswith(
        f"vgate: trial.results_dir = '{tmp_path}' (from {tmp_path}/run): File exi"
    )


def test_an_error_of_the_block_itself_is_not_taken_for_that(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), held(RunFolder(tmp_path / "run")):
        (tmp_path / "nowhere").read_text(encoding="utf-8")


def test_who_holds_it_already_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.locked(), pytest.raises(SystemExit) as ended, held(folder, busy=7):
        raise AssertionError
    assert ended.value.code == 7
    assert "another bench is measuring this run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("program", "words", "code"),
    [
        ("bench", [], 2),
        ("capacity", ["load=poisson", "slo=chat"], 2),
        ("search", ["batch=passthrough,lockstep"], 2),
        ("compare", ["", "cache=none"], 4),
    ],
)
def test_every_program_says_so_in_one_line(tmp_path: Path, program: str, words: list[str], code: int) -> None:
    """For `vgate.compare` exit code 1 would say that B is worse."""
    results = file_in_the_way(tmp_path / "file")
    command = [sys.executable, "-m", f"vgate.{program}", *words, "+preset=dry_run", f"trial.results_dir={results}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"vgate: trial.results_dir = '{results}' (from ")
