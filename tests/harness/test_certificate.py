from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.harness.rows import FakeRun, frame, row, steady
from vgate.harness import certificate
from vgate.harness.certificate import Certificate, certify, stamp_errors_ms, worst, wrong_counts
from vgate.harness.driving import DriverFailed, LoadDriver
from vgate.harness.report import report
from vgate.harness.results import load_run

MADE = Certificate(
    utc="2026-01-01T00:00:00+00:00",
    drivers=1,
    rate=300.0,
    tokens=16,
    requests=600,
    lag_ms_p50=0.061,
    lag_ms_p99=0.3,
    lag_ms_max=1.0,
    stamp_ms_p50=0.05,
    stamp_ms_p99=0.4,
    stamp_ms_max=2.0,
    answers=660,
    token_errors=0,
    cpu_share=0.31,
    wait_share=0.0,
    load_1min=0.2,
)
ACCOUNT = {"received": 0, "tokens": 3, "written": [9_000_000, 19_000_000, 29_500_000], "sizes": [1, 1, 1]}


def test_it_is_measured_for_real(tmp_path: Path) -> None:
    driver = LoadDriver(tmp_path / "driver.log")
    (tmp_path / "scratch").mkdir()
    try:
        found = certify(driver, tmp_path / "scratch", lambda: None, drivers=2)
    finally:
        driver.stop()
    assert 500 < found.requests < 700
    assert found.drivers == 2
    assert found.token_errors == 0
    assert found.answers > found.requests + 30
    assert 0 < found.lag_ms_p50 <= found.lag_ms_p99 <= found.lag_ms_max
    assert 0 < found.stamp_ms_p50 <= found.stamp_ms_p99 <= found.stamp_ms_max
    assert 0 < found.cpu_share < 1
    assert 0 <= found.wait_share < 1


def test_stamp_errors() -> None:
    assert stamp_errors_ms(frame(row()), {"r0.0": ACCOUNT}) == [1.0, 1.0, 0.5]
    assert stamp_errors_ms(frame(), {}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"error": "cut"},
        {"completion_tokens": 4},
        {"t_tok": [1, 2]},
        {"n_tok": None},
        {"n_tok": [1, 2, 0]},
        {"request_id": "another"},
    ],
)
def test_whatever_is_not_the_servers_count_is_an_error(change: dict[str, Any]) -> None:
    assert wrong_counts(frame(row()), {"r0.0": ACCOUNT}) == []
    assert wrong_counts(frame(row() | change), {"r0.0": ACCOUNT}) == [change.get("request_id", "r0.0")]


def test_a_driver_that_miscounts_does_not_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "_drive", lambda *_: (None, frame(row())))
    with pytest.raises(DriverFailed, match=r"counts wrongly in 2 of 2 answers, first r0\.0"):
        certify(LoadDriver(tmp_path / "log"), tmp_path, lambda: None)


def test_each_session_adds_one(tmp_path: Path) -> None:
    path = tmp_path / "certificate.json"
    assert certificate.load(path) == []
    assert worst([]) == []
    later, two = replace(MADE, stamp_ms_p99=0.9), replace(MADE, drivers=2)
    for each in (two, later, MADE):
        certificate.save(each, path)
    assert certificate.load(path) == [two, later, MADE]
    assert worst(certificate.load(path)) == [later, two]


def test_in_words() -> None:
    assert MADE.words == (
        "the load driver, at 300 requests/s x 16 tokens: sends 0.06 ms late (p99 0.30), stamps tokens 0.05 ms late"
        " (p99 0.40), 0 token-count errors in 660 answers; it ran for 31% of the time and waited for a core for 0%"
    )


def test_the_report_shows_it(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500))
    assert load_run(run.path).certificates == []
    two = replace(MADE, drivers=2)
    for each in (two, MADE):
        certificate.save(each, run.path / "certificate.json")
    assert load_run(run.path).certificates == [MADE, two]
    page = report(load_run(run.path))
    assert MADE.words in page
    assert two.words.startswith("the load driver in 2 processes, at 300 requests/s")
    assert two.words in page
