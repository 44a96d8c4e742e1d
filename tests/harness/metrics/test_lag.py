from tests.harness.rows import frame, row
from vgate.harness.metrics.lag import dispatch_lag_ms


def test_lag_is_send_minus_intention() -> None:
    assert list(dispatch_lag_ms(frame(row(t_int=5.0, lag=0.25)))) == [0.25]


def test_never_sent_has_none() -> None:
    assert dispatch_lag_ms(frame(row() | {"t_send": None})).isna().all()
