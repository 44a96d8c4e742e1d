"""results/index.html: all runs of a results folder, newest first."""

from pathlib import Path
from typing import Any

from vgate.harness.files import read_json, write_text
from vgate.harness.layout import INDEX, MANIFEST, REPORT, VERDICT
from vgate.harness.page.render import render


def write_index(results: Path | str) -> Path:
    """Write the index into a results folder and return its path."""
    folder = Path(results)
    manifests = sorted(folder.rglob(MANIFEST), key=lambda path: path.relative_to(folder).as_posix())
    entries = [(path.parent, read_json(path)) for path in manifests]
    runs = [_run(path, manifest, folder) for path, manifest in entries if "sessions" in manifest]
    experiments = [_experiment(path, manifest, folder) for path, manifest in entries if "sessions" not in manifest]
    page = render("index.html", runs=_newest_first(runs), experiments=_newest_first(experiments))
    write_text(folder / INDEX, page)
    return folder / INDEX


def _newest_first(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: str(entry["date"]), reverse=True)


def _run(path: Path, manifest: dict[str, Any], results: Path) -> dict[str, Any]:
    """A run's line: from the verdict that its last report left beside it."""
    verdict = read_json(path / VERDICT) if (path / VERDICT).exists() else {}
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


def _experiment(path: Path, manifest: dict[str, Any], results: Path) -> dict[str, Any]:
    files = sorted(file.name for file in path.iterdir() if file.is_file())
    name = path.relative_to(results).as_posix()
    return {"name": name, "date": _date(manifest), "commit": _commit(manifest), "files": files}


def _date(circumstances: dict[str, Any]) -> str:
    return str(circumstances.get("utc", ""))[:16].replace("T", " ")


def _commit(circumstances: dict[str, Any]) -> str | None:
    git = circumstances.get("git")
    return f"{git['commit'][:8]}{', changed' if git['changed'] else ''}" if git else None
