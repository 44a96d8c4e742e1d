from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from vgate.config import ConfigError
from vgate.harness.cells import expand
from vgate.harness.files import read_json, write_json
from vgate.harness.layout import CELL, MANIFEST
from vgate.harness.manifest import session as any_session
from vgate.harness.manifest import session_at
from vgate.harness.store import RunFolder


def session(folder: RunFolder, now: dict[str, Any], mix: bool = False) -> AbstractContextManager[None]:
    return any_session(folder, now, mix=mix, question="why", seed=0)


def sitting(hour: int, torch: str = "2.13.0") -> dict[str, Any]:
    return {"utc": f"2026-01-01T{hour:02d}:00:00+00:00", "packages": {"torch": torch}}


def measured(path: Path, *moments: str) -> RunFolder:
    """A folder with cells that were measured at these moments."""
    folder = RunFolder(path)
    with folder.locked():
        for number, moment in enumerate(moments, start=1):
            (cell,) = expand(["engine=dry_run", f"load.users={number}"], multirun=False)
            with folder.writing(cell) as scratch:
                write_json(scratch / CELL, {"started_utc": moment})
    return folder


def sessions(folder: RunFolder) -> list[Any]:
    found: list[Any] = read_json(folder.path / MANIFEST)["sessions"]
    return found


def test_a_session_is_kept_from_its_beginning_and_finished_at_its_end(tmp_path: Path) -> None:
    with session(RunFolder(tmp_path), sitting(1)):
        manifest = read_json(tmp_path / MANIFEST)
        assert (manifest["name"], manifest["question"], manifest["finished"]) == (tmp_path.name, "why", False)
    assert read_json(tmp_path / MANIFEST)["finished"]
    with pytest.raises(KeyboardInterrupt), session(RunFolder(tmp_path), sitting(2)):
        raise KeyboardInterrupt
    assert not read_json(tmp_path / MANIFEST)["finished"]
    assert len(sessions(RunFolder(tmp_path))) == 2


def test_the_circumstances_at_a_moment_are_those_of_the_session_then() -> None:
    all_of_them = [sitting(1), sitting(3)]
    assert session_at(all_of_them, "2026-01-01T02:59:59.999+00:00") == sitting(1)
    assert session_at(all_of_them, "2026-01-01T03:00:00.001+00:00") == sitting(3)
    assert session_at(all_of_them, "2025-12-31T23:00:00.000+00:00") == {}


def test_a_run_does_not_go_on_in_other_circumstances_unless_it_is_told_to(tmp_path: Path) -> None:
    folder = measured(tmp_path, "2026-01-01T01:30:00.000+00:00")
    with session(folder, sitting(1)):
        pass
    with pytest.raises(ConfigError) as caught, session(folder, sitting(2, "2.14.0")):
        pass
    assert str(caught.value) == (
        f"{tmp_path}: 1 measurement is there, from other circumstances (packages.torch: 2.13.0, now 2.14.0);"
        " --fresh measures them again, trial.mix=true goes on there all the same"
    )
    assert len(sessions(folder)) == 1
    with session(folder, sitting(2)), session(folder, sitting(3, "2.14.0"), mix=True):
        pass


def test_only_sessions_that_measured_something_count(tmp_path: Path) -> None:
    """What was taken over from another run, before the first session, was measured in circumstances like its own."""
    folder = measured(tmp_path, "2025-01-01T00:00:00.000+00:00", "2026-01-01T01:30:00.000+00:00")
    with session(folder, sitting(1)), session(folder, sitting(2, "2.14.0"), mix=True):
        pass
    with session(folder, sitting(3)):
        pass


def test_what_was_taken_over_was_measured_in_the_circumstances_of_the_first_session(tmp_path: Path) -> None:
    folder = measured(tmp_path, "2025-01-01T00:00:00.000+00:00")
    (cell,) = folder.finished()
    write_json(cell / CELL, read_json(cell / CELL) | {"taken_from": "another"})
    with session(folder, sitting(1)):
        pass
    with pytest.raises(ConfigError, match=r"torch: 2\.13\.0, now 2\.14\.0"), session(folder, sitting(2, "2.14.0")):
        pass
