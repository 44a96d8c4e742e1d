"""The runs of a results folder."""

from pathlib import Path

from vgate.harness.layout import MANIFEST
from vgate.harness.reading import Unreadable, read_manifest
from vgate.harness.results import NoResults


def newest_run(results: Path | str) -> Path:
    """The run in a results folder that was begun or continued last; raises NoResults."""
    found = runs_in(results)
    if not found:
        raise NoResults(f"{results}: no run there; `make demo` makes one")
    return found[0]


def runs_in(results: Path | str) -> list[Path]:
    """The folders of a results folder that hold runs, last begun or continued first; experiments are none."""
    manifests = sorted(Path(results).glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.parent for path in manifests if _is_of_a_run(path)]


def _is_of_a_run(manifest: Path) -> bool:
    try:
        read_manifest(manifest)
    except Unreadable:
        return False
    return True
