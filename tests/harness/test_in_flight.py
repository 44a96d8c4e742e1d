import numpy as np

from tests.harness.rows import MS, frame, row
from vgate.harness.in_flight import in_flight, time_in_flight

ROWS = frame(
    row(t_int=0.0, tok=(10.0,)),
    row(t_int=5.0, tok=(25.0,)),
    row(t_int=20.0, t_end=None, error="unfinished"),
)


def test_begun_and_not_ended() -> None:
    moments = np.array([-1, 0, 5, 9, 10, 20, 25, 99]) * MS
    assert in_flight(ROWS, moments).tolist() == [0, 1, 2, 2, 1, 2, 1, 1]


def test_what_failed_without_a_stamp_has_ended_with_the_last_that_was_seen_of_it() -> None:
    """As in imported files; a driver of ours says when."""
    lost = {"t_end": None, "error": "connection reset"}
    rows = frame(row(t_int=0.0, tok=(10.0, 20.0), **lost), row(t_int=5.0, lag=1.0, tok=(), **lost))
    assert in_flight(rows, np.array([4, 5, 7, 19, 20]) * MS).tolist() == [1, 2, 1, 1, 0]
    assert time_in_flight(rows, 0, 100 * MS) == 0.021


def test_by_other_stamps() -> None:
    rows = frame(row(t_int=0.0, lag=4.0, tok=(10.0, 12.0)))
    assert in_flight(rows, np.array([2 * MS, 5 * MS]), begin="t_send").tolist() == [0, 1]


def test_time_is_cut_at_both_ends() -> None:
    """From 5 to 30 ms: 5 ms of the first, 20 of the second, 10 of the third, which never ended."""
    assert time_in_flight(ROWS, 5 * MS, 30 * MS) == 0.035
    assert time_in_flight(ROWS, 100 * MS, 200 * MS) == 0.1


def test_littles_law_holds_by_arithmetic() -> None:
    """Why it must be checked against what somebody else has seen."""
    moments = np.arange(0, 40 * MS, MS // 100)
    assert in_flight(ROWS, moments).mean() * 0.040 == time_in_flight(ROWS, 0, 40 * MS)
