from pathlib import Path

import pandas as pd

from tests.harness.server_rows import frame, hit, served
from vgate.harness import server_records
from vgate.observe.recorder import row
from vgate.record import Record


def test_rows_come_in_the_order_of_arrival_and_are_kept_as_they_are(tmp_path: Path) -> None:
    rows = frame(served("late", 5, 6, 7, 8, 9, 10, 11), hit("early", 1, 2, "x"))
    assert rows["request_id"].tolist() == ["early", "late"]
    server_records.save(rows, tmp_path / "s.parquet")
    kept = server_records.load(tmp_path / "s.parquet")
    pd.testing.assert_frame_equal(kept, rows)
    assert kept["t_queued"].tolist()[1] == 6_000_000
    assert pd.isna(kept["t_queued"][0])


def test_no_lines_are_no_rows() -> None:
    assert server_records.frame("").empty


def test_the_columns_are_what_the_server_tells_and_every_one_says_what_it_is() -> None:
    assert server_records.SCHEMA.names == list(row(Record("r", "/", "POST", 0.0)))
    assert all(field.metadata[b"is"] for field in server_records.SCHEMA)
