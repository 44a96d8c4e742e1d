from pathlib import Path

import pandas as pd
import pytest

from tests.harness.rows import failed, frame, row
from vgate.harness import records
from vgate.harness.exchange import Exchange
from vgate.harness.plan import Outcome

OUTCOME = Outcome(window_start=100, window_end=200, cpu_share=0.1, utc_start=0.0, wait_share=0.0)


def test_rows_survive_a_file_to_the_nanosecond(tmp_path: Path) -> None:
    rows = frame(row(t_int=0.0) | {"t_end": 2**62 + 1}, failed(t_int=1.0) | {"t_send": None})
    records.save(rows, tmp_path / "rows.parquet")
    loaded = records.load(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(loaded, rows)
    assert loaded["t_end"].iloc[0] == 2**62 + 1
    assert loaded["t_send"].isna().tolist() == [False, True]
    assert list(loaded["t_tok"].iloc[0]) == [10_000_000, 20_000_000, 30_000_000]


@pytest.mark.parametrize(("t_int", "phase"), [(99, "warmup"), (100, "window"), (199, "window"), (200, "drain")])
def test_the_phase_is_that_of_the_intended_time(t_int: int, phase: str) -> None:
    """However late the request ended."""
    rows = records.rows_from([Exchange("n", "id", t_int, t_end=10_000, status=500)], OUTCOME)
    assert rows["phase"].tolist() == [phase]


def test_rows_are_in_the_order_of_their_intended_times() -> None:
    rows = records.rows_from([Exchange("b", "b", 150, status=500), Exchange("a", "a", 120, status=500)], OUTCOME)
    assert rows["request_id"].tolist() == ["a", "b"]


def test_no_requests_make_an_empty_frame_with_all_columns() -> None:
    assert list(records.rows_from([], OUTCOME).columns) == records.SCHEMA.names
