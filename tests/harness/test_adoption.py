"""Taking over what another run has measured, on runs made by hand."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness.rows import MS, steady
from vgate.config.secrets import without_secrets
from vgate.harness import records
from vgate.harness.adoption import adopt, elsewhere
from vgate.harness.cells import Cell, expand
from vgate.harness.files import read_json, write_json, write_yaml
from vgate.harness.layout import CELL, CONFIG, METRICS_AFTER, METRICS_BEFORE, REQUESTS
from vgate.harness.manifest import session
from vgate.harness.results import Result
from vgate.harness.store import RunFolder

NOW: dict[str, Any] = {
    "utc": "2026-01-01T00:00:00+00:00", "source": "abc", "python": "3.12", "packages": {"torch": "2.13.0"},
    "machine": {"cpu": "EPYC", "load_1min_at_start": 0.1},
}  # fmt: skip
WORDS = ["engine=dry_run", "load.users=1"]


def cells(*words: str) -> list[Cell]:
    return expand([*WORDS, *words], multirun=False)


def finish(folder: RunFolder, cell: Cell) -> None:
    rows = steady(100)
    with folder.writing(cell) as scratch:
        records.save(rows, scratch / REQUESTS)
        write_yaml(scratch / CONFIG, without_secrets(cell.container))
        for name, count in ((METRICS_BEFORE, 0), (METRICS_AFTER, int(rows["completion_tokens"].sum()))):
            (scratch / name).write_text(f"vgate_tokens_generated_total {count}\n", encoding="utf-8")
        about = {"key": cell.key, "axes": cell.axes, "round": 0, "cpu_share": 0.1, "records_dropped": 0}
        window = {"window_start": 0, "window_end": 1000 * MS, "started_utc": "2026-01-01T00:00:01.000+00:00"}
        write_json(scratch / CELL, about | window | {"effective_hash": cell.effective_hash})


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    folder = RunFolder(tmp_path / "first")
    with folder.locked(), session(folder, dict(NOW), question=None, seed=0):
        finish(folder, *cells())
    return tmp_path


def taken(results: Path, now: dict[str, Any], *words: str) -> list[Result]:
    folder = RunFolder(results / "second")
    with folder.locked():
        found = adopt(cells(*words), folder, now)
        assert sum(found.values()) == len(folder.finished())
        return [Result.read(path) for path in folder.finished()]


def test_the_same_cell_is_taken_over(measured: Path) -> None:
    (result,) = taken(measured, NOW)
    assert result.about["taken_from"] == "first"
    assert elsewhere(cells(), RunFolder(measured / "second")) == {"first": 1}
    assert elsewhere(cells(), RunFolder(measured / "first")) == {"second": 1}


def test_what_is_measured_already_is_held_to_the_new_targets(measured: Path) -> None:
    (before,) = [Result.read(path.parent) for path in measured.glob(f"first/cells/*/{CELL}")]
    (result,) = taken(measured, NOW, "slo.ttft_ms=7", "trial.name=other")
    assert (before.slo.ttft_ms, result.slo.ttft_ms) == (before.config["slo"]["ttft_ms"], 7)
    assert result.numbers["goodput_per_s"] < before.numbers["goodput_per_s"]
    assert result.about["effective_hash"] == cells("slo.ttft_ms=7")[0].effective_hash
    assert read_json(before.folder / CELL)["effective_hash"] != result.about["effective_hash"]


@pytest.mark.parametrize(
    "changed", [{"source": "abc2"}, {"packages": {"torch": "2.14.0"}}, {"machine": {"cpu": "Xeon"}}]
)
def test_other_circumstances_are_another_measurement(measured: Path, changed: dict[str, Any]) -> None:
    assert taken(measured, NOW | changed) == []


def test_another_cell_is_not_taken(measured: Path) -> None:
    assert taken(measured, NOW, "load.users=2") == []
    assert elsewhere(cells("load.users=2"), RunFolder(measured / "second")) == {}


def test_a_models_other_commit_is_another_measurement(tmp_path: Path) -> None:
    """Where both are known: a model that is loaded for the first time has none before."""
    folder = RunFolder(tmp_path / "first")
    with folder.locked(), session(folder, NOW | {"models": {"a/b": "c0ffee"}}, question=None, seed=0):
        finish(folder, *cells())
    assert taken(tmp_path, NOW | {"models": {"a/b": "decade"}}) == []
    assert len(taken(tmp_path, NOW | {"models": {}})) == 1
