from tests.harness.rows import failed, frame, row
from vgate.harness.metrics.select import answered, in_window


def test_the_window_is_by_intended_time_whenever_it_ended() -> None:
    rows = frame(row(t_int=1.0, phase="warmup"), row(t_int=2.0, t_end=9_000.0), row(t_int=3.0, phase="drain"))
    assert list(in_window(rows)["t_int"]) == [2_000_000]


def test_answered_leaves_failures_out() -> None:
    assert len(answered(frame(row(), failed(t_int=1.0)))) == 1
