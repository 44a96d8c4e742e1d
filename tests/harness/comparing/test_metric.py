import math
from pathlib import Path

import pandas as pd
import pytest

from tests.harness.comparing.synthetic import GOODPUT, LATENCY, measured
from tests.harness.rows import FakeRun, frame, row, steady
from tests.harness.rows import failed as refused
from vgate.config import ConfigError
from vgate.harness.comparing.metric import METRICS, Measured, gain, incomparable, metric_named, resolution
from vgate.harness.results import load_run

TARGETS = {"slo": {"ttft_ms": 500.0, "tpot_ms": None, "e2e_ms": None}}
NO_TARGETS = {"slo": {"ttft_ms": None, "tpot_ms": None, "e2e_ms": None}}


@pytest.mark.parametrize(
    ("name", "container", "column"),
    [
        (None, TARGETS, "goodput_per_s"),
        (None, NO_TARGETS, "ttft_ms_p50"),
        (None, {**NO_TARGETS, "workload": {"stream": False}}, "e2e_ms_p50"),
        ("goodput", NO_TARGETS, "goodput_per_s"),
        ("ttft_p95", TARGETS, "ttft_ms_p95"),
        ("tpot_ms_p50", TARGETS, "tpot_ms_p50"),
        ("output_tokens", TARGETS, "output_tokens_per_s"),
    ],
)
def test_which_metric(name: str | None, container: dict, column: str) -> None:
    assert metric_named(name, container).column == column


def test_unknown_metric() -> None:
    with pytest.raises(ConfigError, match=r"--metric = 'ttf_p50' .* did you mean --metric=ttft_p50\?"):
        metric_named("ttf_p50", TARGETS)


def test_more_is_better_or_worse() -> None:
    assert gain(GOODPUT, measured(10.0), measured(11.0)) == pytest.approx(math.log(1.1))
    assert gain(LATENCY, measured(10.0), measured(11.0)) == pytest.approx(-math.log(1.1))
    assert {name for name, metric in METRICS.items() if metric.higher_is_better} == {
        "goodput_per_s",
        "attainment",
        "output_tokens_per_s",
        "completed_per_s",
    }


def test_none_counts_as_half_a_request() -> None:
    assert gain(GOODPUT, measured(1.0, seconds=5.0), measured(0.0, seconds=5.0)) == pytest.approx(math.log(0.1))
    attainment = METRICS["attainment"]
    assert gain(attainment, measured(0.5, requests=50), measured(0.0, requests=50)) == pytest.approx(math.log(0.02))
    assert gain(GOODPUT, measured(0.0), measured(0.0)) == 0


def test_counts_have_a_resolution_and_latencies_have_none() -> None:
    sides = [measured(1.0, requests=100)] * 2, [measured(1.0, requests=50)] * 2
    assert resolution(GOODPUT, sides) == 0.01
    assert resolution(LATENCY, sides) == 0.0


def test_every_metric_is_a_column_of_the_summary(tmp_path: Path) -> None:
    run = FakeRun(tmp_path / "run")
    run.add(steady(500))
    (result,) = load_run(run.path).results
    assert METRICS.keys() <= result.numbers.keys()


def one(tmp_path: Path, rows: pd.DataFrame, column: str, **changes: float) -> Measured:
    run = FakeRun(tmp_path / "run")
    run.add(rows, **changes)
    return Measured.of(load_run(run.path).results[0], METRICS[column])


def test_what_a_cell_says(tmp_path: Path) -> None:
    found = one(tmp_path, steady(100), "e2e_ms_p50")
    assert found.value == pytest.approx(150.0)
    assert (found.requests, found.seconds, found.attainment, found.invalid) == (100, 1.0, 1.0, ())


def test_a_refused_percentile_is_no_value(tmp_path: Path) -> None:
    assert one(tmp_path, steady(100), "ttft_ms_p99").value is None


def test_an_undefined_metric_is_no_value(tmp_path: Path) -> None:
    whole = frame(*(row(t, tok=(), t_end=t + 5, completion_tokens=3, client_tokens=3) for t in range(20)))
    assert one(tmp_path, whole, "ttft_ms_p50").value is None


def test_invalid_comes_along(tmp_path: Path) -> None:
    assert "80%" in one(tmp_path, steady(100), "goodput_per_s", cpu_share=0.9).invalid[0]


def test_requests_without_an_answer_are_counted(tmp_path: Path) -> None:
    answers = [row(10 * n, 0.01, (10 * n + 20, 10 * n + 30)) for n in range(30)]
    rows = frame(*answers, *(refused(5 + 10 * n) for n in range(10)))
    found = one(tmp_path, rows, "e2e_ms_p50")
    assert (found.requests, found.unanswered, found.invalid) == (40, 10, ())


def test_shares_of_answered_requests_may_differ_by_the_margin() -> None:
    all_of_them, most = [measured(1.0)] * 2, [measured(1.0, unanswered=3), measured(1.0, unanswered=1)]
    assert incomparable(LATENCY, (all_of_them, most), math.log1p(0.03)) is None
    assert "A answered 100.0% of its requests, B 98.0%" in str(incomparable(LATENCY, (all_of_them, most), 0.01))
    assert incomparable(GOODPUT, (all_of_them, most), 0.01) is None
    assert incomparable(LATENCY, (all_of_them, []), 0.01) is None
