from pathlib import Path

from tests.harness.rows import FakeRun, failed, frame, steady
from vgate.harness.results import load_run
from vgate.harness.table import table, written


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
        "n<: too few samples for this percentile",
        "INVALID: batch=time_window: the load driver used 90% of a core, more than 80%",
        "FAILED: cache=lru: it died",
    ]


def test_columns_stand_under_their_headings(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500), {"batch": "passthrough"})
    head, line = (text.rstrip() for text in table(load_run(run.path)).splitlines())
    assert head.index("good/s") + len("good/s") == line.index("500.00") + len("500.00")


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
