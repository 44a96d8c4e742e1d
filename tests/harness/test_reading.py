"""A file that is cut off, of another program, or of the wrong kind is one line that names it; never a traceback."""

import json
from pathlib import Path

import pytest

from tests.harness.rows import FakeRun, steady
from vgate.harness.reading import MANIFEST_KEYS, Unreadable
from vgate.harness.report import report
from vgate.harness.results import NoResults, load_run
from vgate.harness.runs import newest_run
from vgate.harness.side_by_side import runs_of

SESSIONS = json.dumps(dict.fromkeys(MANIFEST_KEYS, 1))


def run_of(path: Path) -> FakeRun:
    run = FakeRun(path / "run")
    run.add(steady(100))
    return run


def told(run: FakeRun, name: str, text: str) -> str:
    (run.path / name).write_text(text, encoding="utf-8")
    with pytest.raises(Unreadable) as raised:
        report(load_run(run.path))
    line = str(raised.value)
    assert line.startswith(str(run.path / name))
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"name": "run", "sess', "is cut off, or not as V-Gate writes it: JSONDecodeError"),
        ("", "is cut off, or not as V-Gate writes it"),
        ("[1, 2]", "it holds a list; must be a JSON object"),
        ("null", "it holds a NoneType; must be a JSON object"),
        ('{"manifest_version": 3, "name": "extension"}', "it has no question, seed, finished, sessions"),
        (SESSIONS, "sessions must be a list of objects, each with its utc"),
    ],
)
def test_a_manifest(tmp_path: Path, text: str, why: str) -> None:
    assert why in told(run_of(tmp_path), "manifest.json", text)


@pytest.mark.parametrize("text", ["[{", "{}", "[1]", '[{"utc": "2026"}]', "3"])
def test_a_certificate(tmp_path: Path, text: str) -> None:
    run = run_of(tmp_path)
    if text == "{}":  # nothing in it is wrong
        (run.path / "certificate.json").write_text(text, encoding="utf-8")
        assert load_run(run.path).certificates == []
        return
    assert "is cut off, or not as V-Gate writes it" in told(run, "certificate.json", text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cell.json", '{"axes": {}'),
        ("cell.json", "{}"),
        ("config.yaml", "load: [1"),
        ("config.yaml", "3"),
        ("requests.parquet", "PAR1"),
    ],
)
def test_a_cells_files(tmp_path: Path, name: str, text: str) -> None:
    told(run_of(tmp_path), f"cells/cell1/{name}", text)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    (run.path / "cells/cell1/requests.parquet").unlink()
    with pytest.raises(Unreadable, match=r"requests\.parquet: cannot be read: it is not there"):
        report(load_run(run.path))


def test_a_run_may_be_called_by_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(tmp_path)
    monkeypatch.chdir(run.path)
    assert load_run(".").path == run.path
    monkeypatch.chdir(run.path / "cells")
    assert load_run("..").path == run.path


def test_the_newest_run_is_one_of_ours(tmp_path: Path) -> None:
    """An experiment's folder, or one that is torn, is passed over."""
    run = run_of(tmp_path)
    for name, text in [("experiment", '{"command": "x", "utc": "2026"}'), ("torn", '{"na')]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(text, encoding="utf-8")
    assert newest_run(tmp_path) == run.path
    with pytest.raises(NoResults, match="fewer than two runs there"):
        runs_of(None, tmp_path)
