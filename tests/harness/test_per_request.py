from pathlib import Path

import pytest

from tests.harness.rows import FakeRun, failed, frame, row
from vgate.harness.per_request import requests
from vgate.harness.results import NoResults, load_run
from vgate.harness.runs import newest_run


def test_one_line_per_request_due_in_the_window(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(frame(row(t_int=100.0, lag=1.0, tok=(150.0, 160.0)), row(t_int=-5.0, phase="warmup")), {"batch": "a"})
    run.add(frame(failed(t_int=200.0)), {"batch": "b"})
    found = requests(load_run(run.path))
    assert found["configuration"].tolist() == ["batch=a", "batch=b"]
    assert found["due_s"].tolist() == [0.1, 0.2]
    assert found.loc[0, ["ttft_ms", "tpot_ms", "e2e_ms", "lag_ms"]].tolist() == [50.0, 10.0, 60.0, 1.0]
    assert found["good"].tolist() == [True, False]


def test_the_newest_run_is_found(tmp_path: Path) -> None:
    FakeRun(tmp_path / "b")
    FakeRun(tmp_path / "a")
    assert newest_run(tmp_path) == tmp_path / "a"


def test_no_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoResults, match="no run there"):
        newest_run(tmp_path)
