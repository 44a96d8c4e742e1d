"""results/index.html: all runs of a results folder, newest first."""

import sys
from pathlib import Path
from typing import Any

from vgate.config.errors import ConfigError
from vgate.harness.files import write_text
from vgate.harness.layout import INDEX, MANIFEST, REPORT, VERDICT
from vgate.harness.page.render import render
from vgate.harness.reading import Unreadable, read_manifest, read_object, reading

# One of these is in every index that V-Gate wrote; the second is in those of earlier versions.
MARKS = ("<!-- Written by V-Gate", "<title>V-Gate: results</title>")
EXPERIMENT = ("command", "utc")  # of the circumstances that an experiment's manifest holds


class NotOurs(ConfigError):
    """There is an index.html that V-Gate did not write. One line."""


def write_index(results: Path | str) -> Path:
    """Write the index into a results folder and return its path; raises NotOurs, and writes nothing then.

    Listed are the folders in it that hold a run's manifest, and there or one folder deeper those of an experiment.
    Other folders are left alone, and what is in them is not looked at.
    """
    folder = Path(results)
    _check_ours(folder / INDEX)
    runs, experiments, left_out = _entries(folder)
    page = render(
        "index.html", runs=_newest_first(runs), experiments=_newest_first(experiments), left_out=left_out, mark=MARKS[0]
    )
    with reading(folder):
        write_text(folder / INDEX, page)
    return folder / INDEX


def update_index(results: Path | str) -> None:
    """`write_index` after a run; where the place is taken that is said, and is no failure of the run."""
    try:
        write_index(results)
    except ConfigError as error:
        print(f"note: {error}", file=sys.stderr)


def _check_ours(path: Path) -> None:
    if not path.exists():
        return
    with reading(path):
        text = path.read_text(encoding="utf-8", errors="replace")
    if not any(mark in text for mark in MARKS):
        raise NotOurs(
            f"{path}: was not written by V-Gate, so it is left as it is; move it away for an index of the runs"
        )


def _entries(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """Runs, experiments, and a line for each manifest that cannot be read. Other programs' manifests are neither."""
    runs, experiments, left_out = [], [], []
    for path in sorted([*folder.glob(f"*/{MANIFEST}"), *folder.glob(f"*/*/{MANIFEST}")]):
        try:
            manifest = read_object(path)
            with reading(path):
                if "sessions" in manifest and path.parent.parent == folder:
                    runs.append(_run(path.parent, read_manifest(path), folder))
                elif manifest.keys() >= set(EXPERIMENT):
                    experiments.append(_experiment(path.parent, manifest, folder))
        except Unreadable as error:
            left_out.append(str(error).replace(f"{folder}/", "", 1))
    return runs, experiments, left_out


def _newest_first(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: str(entry["date"]), reverse=True)


def _run(path: Path, manifest: dict[str, Any], results: Path) -> dict[str, Any]:
    """A run's line: from the verdict that its last report left beside it."""
    verdict = _verdict(path / VERDICT)
    measurements = verdict.get("measurements", {})
    session = manifest["sessions"][-1] if manifest["sessions"] else {}
    name = path.relative_to(results).as_posix()
    return {
        "name": name,
        "link": f"{name}/{REPORT}" if (path / REPORT).exists() else f"{name}/{MANIFEST}",
        "question": manifest.get("question"),
        "date": _date(session),
        "commit": _commit(session),
        "finished": manifest.get("finished", True),
        "headline": verdict.get("headline", f"No report yet: python -m vgate.report {name} writes one."),
        "counts": measurements,
        "bad": bool(verdict) and not (measurements.keys() & {"valid", "not checked"}),
    }


def _verdict(path: Path) -> dict[str, Any]:
    """Empty where there is none that can be read: the next report writes it anew."""
    try:
        found = read_object(path, "headline", "measurements") if path.exists() else {}
    except Unreadable:
        return {}
    return found if isinstance(found.get("measurements"), dict) else {}


def _experiment(path: Path, manifest: dict[str, Any], results: Path) -> dict[str, Any]:
    files = sorted(file.name for file in path.iterdir() if file.is_file())
    name = path.relative_to(results).as_posix()
    return {"name": name, "date": _date(manifest), "commit": _commit(manifest), "files": files}


def _date(circumstances: dict[str, Any]) -> str:
    return str(circumstances.get("utc", ""))[:16].replace("T", " ")


def _commit(circumstances: dict[str, Any]) -> str | None:
    git = circumstances.get("git")
    return f"{git['commit'][:8]}{', changed' if git['changed'] else ''}" if git else None
