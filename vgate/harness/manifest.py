"""What a run's manifest says: of the run, and of each session in which it was measured."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vgate.config.errors import ConfigError
from vgate.harness.circumstances import mixed
from vgate.harness.files import write_json
from vgate.harness.layout import CELL, MANIFEST
from vgate.harness.reading import read_manifest, read_object
from vgate.harness.store import RunFolder

GOING_ON = "--fresh measures them again, trial.mix=true goes on there all the same"


@contextmanager
def session(
    folder: RunFolder, now: dict[str, Any], mix: bool = False, going_on: str = GOING_ON, **about: Any
) -> Iterator[None]:
    """One sitting at a run: its circumstances join those of earlier ones in the manifest. Finished if it ends well.

    Raises ConfigError where what is there was measured under other circumstances, which is no longer one experiment,
    unless `mix`; `going_on` are its words on what to do.
    """
    path = folder.path / MANIFEST
    earlier = read_manifest(path)["sessions"] if path.exists() else []
    if not mix:
        _refuse_mixing(folder, earlier, now, going_on)
    manifest = {"name": folder.path.name, **about, "finished": False, "sessions": [*earlier, now]}
    write_json(path, manifest)
    begin = time.monotonic()
    yield
    now["wall_s"] = round(time.monotonic() - begin, 1)
    write_json(path, manifest | {"finished": True})


def session_at(sessions: list[dict[str, Any]], moment: str) -> dict[str, Any]:
    """The circumstances at a moment, UTC as in ISO 8601; empty before the first session."""
    return next((one for one in reversed(sessions) if one["utc"] <= moment), {})


def _session_of(about: dict[str, Any], sessions: list[dict[str, Any]]) -> dict[str, Any]:
    """Of a cell. What was taken over, from before the first session, was measured in circumstances like that one's."""
    first = sessions[0] if sessions and "taken_from" in about else {}
    return session_at(sessions, str(about["started_utc"])) or first


def _refuse_mixing(folder: RunFolder, sessions: list[dict[str, Any]], now: dict[str, Any], going_on: str) -> None:
    told = [read_object(cell / CELL, "started_utc") for cell in folder.finished()]
    found = [session for about in told if (session := _session_of(about, sessions))]
    changed = mixed(found, now) if found else []
    if changed:
        count = f"{len(found)} {'measurement is' if len(found) == 1 else 'measurements are'} there"
        raise ConfigError(f"{folder.path}: {count}, from other circumstances ({'; '.join(changed)}); {going_on}")
