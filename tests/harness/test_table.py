import re
from pathlib import Path

from tests.harness.rows import FakeRun, failed, frame, steady
from vgate.harness.results import load_run
from vgate.harness.table import COLUMNS, cells, table, written


def test_best_first_and_what_went_wrong_below(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(100), {"batch": "lockstep"})
    run.add(steady(500), {"batch": "passthrough"}, round=1)
    run.add(steady(900), {"batch": "time_window"}, cpu_share=0.9)
    run.add_failure({"cache": "lru"}, "it died")
    lines = table(load_run(run.path)).splitlines()
    assert lines[0].split()[:3] == ["configuration", "requests", "good/s"]
    assert lines[1].startswith("batch=passthrough (round 2)")
    assert lines[2].startswith("batch=lockstep")
    assert lines[3].startswith("batch=time_window")
    assert lines[3].endswith("INVALID")
    assert lines[4:] == [
        "n<: too few samples for this percentile, or too many requests without an answer",
        "±: the wider side of the 95 % interval of this one run",
        "INVALID: batch=time_window: the load driver used 90% of a core, more than 80%",
        "FAILED: cache=lru: it died",
        "not checked: Little's law: the run has no samples and records of the server's own (3 of 3 cells)",
    ]


def test_columns_stand_under_their_headings(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500), {"batch": "passthrough"})
    head, line = (ends(text) for text in table(load_run(run.path)).splitlines()[:2])
    assert head[1:] == line[1:]


def ends(text: str) -> list[int]:
    """Where the columns of a line end; two spaces part them."""
    return [found.end() for found in re.finditer(r"\S+(?: \S+)*", text)]


def test_intervals_stand_beside_their_numbers(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500), {"batch": "passthrough"})
    bounds = {"attainment": 0.9, "attainment_low": 0.88, "attainment_high": 0.91}
    assert cells({**dict.fromkeys(COLUMNS, 1.0), **bounds}, COLUMNS)[2] == "90.0 ±2.0"

    assert "100.0 ±0.7" in table(load_run(run.path))


def test_refused_and_undefined_numbers_are_marks(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(50), {"batch": "a"})
    run.add(frame(failed()), {"batch": "b"})
    text = table(load_run(run.path))
    assert "n<" in text.splitlines()[1]
    assert "nan" not in text.lower()
    assert "None" not in text


def test_shares_are_percent() -> None:
    assert written("attainment", 0.987, 1) == "98.7"
    assert written("ttft_ms_p99", None, 1) == "n<"
    assert written("attainment", float("nan"), 1) == "-"
