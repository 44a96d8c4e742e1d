import pytest

from tests.harness.rows import frame, row
from vgate.harness.metrics.ttft import ttft_ms, ttft_service_ms


def test_ttft_counts_from_the_intended_time() -> None:
    rows = frame(row(t_int=5.0, lag=2.0, tok=(30.0, 40.0)))
    assert list(ttft_ms(rows)) == [25.0]
    assert list(ttft_service_ms(rows)) == [23.0]


def test_whole_answers_have_none() -> None:
    rows = frame(row(tok=(), t_end=50.0), row(t_int=1.0))
    assert ttft_ms(rows).isna().tolist() == [True, False]


def test_nanoseconds_survive_large_clocks() -> None:
    """A machine up for a year has stamps that a float cannot hold."""
    year = 365 * 86_400_000.0
    rows = frame(row(t_int=year, tok=(year,)) | {"t_tok": [round(year * 1_000_000) + 1]})
    assert ttft_ms(rows).iloc[0] == pytest.approx(1e-6)
