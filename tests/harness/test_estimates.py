import math

import pytest

from tests.harness.rows import WINDOW, failed, frame, row, steady
from vgate.harness.estimates import estimates
from vgate.harness.metrics.goodput import Slo


def test_each_number_has_its_interval_n_and_n_eff() -> None:
    """TTFT of 46 to 55 ms in turn."""
    tokens = [tuple(n * 2.0 + 46.0 + n % 10 + i * 10.0 for i in range(11)) for n in range(500)]
    found = estimates(frame(*(row(n * 2.0, 0.01, tok) for n, tok in enumerate(tokens))), WINDOW, Slo(ttft_ms=53))
    median = found["ttft_ms_p50"]
    assert (median.value, median.n) == (50.0, 500)
    assert 49 <= median.low <= 50 <= median.high <= 51  # type: ignore[operator]
    assert found["tpot_ms_mean"].value == pytest.approx(10.0)
    assert found["itl_ms_p50"].n == 500
    assert found["attainment"].value == 0.8
    assert found["goodput_per_s"].value == 400.0
    assert found["goodput_per_s"].low < 400 < found["goodput_per_s"].high  # type: ignore[operator]
    assert found["output_tokens_per_s"].n == sum(moment < 1000 for tok in tokens for moment in tok)


def test_refused_and_undefined_numbers_say_why() -> None:
    found = estimates(steady(458), WINDOW, Slo())
    assert (found["ttft_ms_p99"].value, found["ttft_ms_p99"].why) == (None, "458 requests; p99 needs 459")
    assert found["e2e_ms_p99.9"].why == "458 requests; p99.9 needs 4603"
    nothing = estimates(frame(failed()), WINDOW, Slo())
    assert nothing["tpot_ms_p50"].why == "1 requests; p50 needs 7"
    assert math.isnan(nothing["tpot_ms_mean"].value or 0)
    assert nothing["goodput_per_s"].why == "none was seen"


def test_no_rows_at_all() -> None:
    found = estimates(frame(), WINDOW, Slo())
    assert found["requests"].value == 0
    assert math.isnan(found["attainment"].value or 0)


def test_who_was_not_answered_ranks_behind_all_who_were() -> None:
    """93 of 100 answered: p90 is the 90th of all, not of the survivors, and p95 is among those that failed."""
    cut = [row(200.0 + n, tok=(250.0,), t_end=None, error="unfinished") for n in range(3)]
    answers = [row(n, tok=(n + 50 + n, n + 60 + n)) for n in range(93)]
    found = estimates(frame(*answers, *(failed(100.0 + n) for n in range(4)), *cut), WINDOW, Slo())
    assert {name: found[f"{name}_p90"].value for name in ("ttft_ms", "e2e_ms", "itl_ms")} == {
        "ttft_ms": 139.0,
        "e2e_ms": 149.0,
        "itl_ms": 10.0,
    }
    for name in ("ttft_ms", "ttft_service_ms", "tpot_ms", "itl_ms", "e2e_ms"):
        assert found[f"{name}_p95"].value is None
        assert found[f"{name}_p95"].why == "p95 lies among the 7 requests without a complete answer"
    assert found["lag_ms_p95"].value == 0.0
    assert found["tpot_ms_mean"].value == 10.0


@pytest.mark.parametrize("bad", [0, 3])
def test_few_bad_requests_at_a_steady_rate(bad: int) -> None:
    """Every slice of time has two requests, so the bootstrap sees nothing but the bad ones: the interval is exact."""
    rows = [row(n * 1.25, tok=(n * 1.25 + (90 if n % 300 == 7 and bad else 50),)) for n in range(800)]
    found = estimates(frame(*rows), WINDOW, Slo(ttft_ms=60))
    goodput, share = found["goodput_per_s"], found["attainment"]
    assert (goodput.value, goodput.why) == (800 - bad, None)
    assert share.interval is not None
    assert goodput.interval == (pytest.approx(share.interval[0] * 800), pytest.approx(share.interval[1] * 800))
    assert share.interval == (pytest.approx({0: 0.9954, 3: 0.9891}[bad], abs=1e-4), pytest.approx(1.0, abs=1e-3))


def test_few_good_requests() -> None:
    rows = [row(n * 1.25, tok=(n * 1.25 + (50 if n % 300 == 7 else 90),)) for n in range(800)]
    goodput = estimates(frame(*rows), WINDOW, Slo(ttft_ms=60))["goodput_per_s"]
    assert goodput.value == 3
    assert goodput.interval == (pytest.approx(0.62, abs=0.02), pytest.approx(8.73, abs=0.05))
