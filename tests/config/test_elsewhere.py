"""Secrets in files and variables: read without waiting, within a bound, and never quoted."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vgate.config.elsewhere import MOST_BYTES, MOST_OF_CERTIFICATES, from_environment, from_file, readable

SECRET = "hunter2/abc+def=="


@pytest.mark.parametrize("read", [from_file, readable])
def test_a_pipe_or_a_device_is_refused_at_once(read: Callable[[str], str], tmp_path: Path) -> None:
    """Nobody writes into the one, and the other never ends."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (str(pipe), "/dev/zero"):
        with pytest.raises(ValueError, match=f"^the file {path} cannot be read: it is not a regular file$"):
            read(path)


@pytest.mark.parametrize(("read", "most"), [(from_file, MOST_BYTES), (readable, MOST_OF_CERTIFICATES)])
def test_more_than_a_bound_is_refused_and_not_cut_off(read: Callable[[str], str], most: int, tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_text("k" * most)
    assert len(read(str(path))) == most
    path.write_text("k" * (most + 1))
    with pytest.raises(ValueError, match=f"it holds more than {most} bytes$"):
        read(str(path))


@pytest.mark.parametrize(("content", "told"), [
    (b" \n\t", "^the file is empty$"),
    (b"hunter2\xff", "^the file [^ ]+ cannot be read: it is not UTF-8 text$"),
])  # fmt: skip
def test_a_file_without_a_secret_is_told(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=told) as caught:
        from_file(str(path))
    assert "hunter2" not in str(caught.value)


def test_white_space_around_is_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret"
    path.write_text(f" {SECRET}\r\n")
    monkeypatch.setenv("SECRET_OF_OURS", f" {SECRET}\r\n")
    assert from_file(str(path)) == from_environment("SECRET_OF_OURS") == SECRET


@pytest.mark.parametrize("misplaced", [SECRET, "hunter2", "hunter2\0", f"/{SECRET}\n", f"{'hunter2' * 60}/x", ""])
def test_a_secret_in_the_place_of_its_path_or_variable_is_not_quoted(misplaced: str) -> None:
    for read in (from_file, readable, from_environment):
        with pytest.raises(ValueError, match=r"cannot be read|is not set") as caught:
            read(misplaced)
        assert "hunter2" not in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["/no/such", "./no/such", "../no", "~/no", "tests/no/such"])
def test_what_looks_like_a_path_is_shown(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    with pytest.raises(ValueError, match=f"^the file {path} cannot be read: "):
        from_file(path)


def test_a_variable_that_nobody_has_set_is_named_where_it_is_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMPTY_OF_OURS", " ")
    for name in ("EMPTY_OF_OURS", "NOT_SET_BY_US"):
        with pytest.raises(ValueError, match=f"^the variable {name} is not set, or empty$"):
            from_environment(name)
