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
    assert found["itl_ms_p50"].n == 5000
    assert found["attainment"].value == 0.8
    assert found["goodput_per_s"].value == 400.0
    assert found["goodput_per_s"].low < 400 < found["goodput_per_s"].high  # type: ignore[operator]
    assert found["output_tokens_per_s"].n == sum(moment < 1000 for tok in tokens for moment in tok)


def test_refused_and_undefined_numbers_say_why() -> None:
    found = estimates(steady(458), WINDOW, Slo())
    assert (found["ttft_ms_p99"].value, found["ttft_ms_p99"].why) == (None, "458 samples; p99 needs 459")
    assert found["e2e_ms_p99.9"].why == "458 samples; p99.9 needs 4603"
    nothing = estimates(frame(failed()), WINDOW, Slo())
    assert nothing["tpot_ms_p50"].why == "0 samples; p50 needs 7"
    assert math.isnan(nothing["tpot_ms_mean"].value or 0)
    assert nothing["goodput_per_s"].why == "none was seen"


def test_no_rows_at_all() -> None:
    found = estimates(frame(), WINDOW, Slo())
    assert found["requests"].value == 0
    assert math.isnan(found["attainment"].value or 0)
