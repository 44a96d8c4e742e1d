from pathlib import Path

import pytest

from vgate.harness import files
from vgate.harness.files import read_json, write_json, write_text


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in ({"a": 1}, {"a": 2}):
        write_json(path, content)
        assert read_json(path) == content
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that comes while another has written and not yet replaced: the file is whole, and the later one's."""
    path, sync = tmp_path / "a.txt", files.os.fsync

    def meanwhile(descriptor: int) -> None:
        monkeypatch.setattr(files.os, "fsync", sync)
        write_text(path, "of the other")
        sync(descriptor)

    monkeypatch.setattr(files.os, "fsync", meanwhile)
    write_text(path, "mine")
    assert path.read_text(encoding="utf-8") == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_old_and_no_scrap(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
