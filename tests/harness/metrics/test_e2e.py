from hypothesis import given
from hypothesis import strategies as st

from tests.harness.rows import frame, row
from vgate.harness.metrics.e2e import e2e_ms, e2e_service_ms
from vgate.harness.metrics.lag import dispatch_lag_ms

stamps = st.integers(0, 10**15)


def test_e2e_counts_to_the_last_byte() -> None:
    rows = frame(row(t_int=5.0, lag=2.0, tok=(30.0, 40.0), t_end=41.0))
    assert list(e2e_ms(rows)) == [36.0]
    assert list(e2e_service_ms(rows)) == [34.0]


@given(stamps, stamps, stamps)
def test_e2e_is_lag_plus_service(t_int: int, lag: int, service: int) -> None:
    """Exactly, in the nanoseconds that are kept."""
    rows = frame(row() | {"t_int": t_int, "t_send": t_int + lag, "t_end": t_int + lag + service})
    total, parts = e2e_ms(rows).iloc[0], dispatch_lag_ms(rows).iloc[0] + e2e_service_ms(rows).iloc[0]
    assert round(total * 1e6) == round(parts * 1e6)


def test_no_end_no_value() -> None:
    assert e2e_ms(frame(row(t_end=None))).isna().all()
