import math

from tests.harness.rows import failed, frame, row
from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.itl import itl_ms
from vgate.harness.metrics.offered import of_offered
from vgate.harness.metrics.tpot import tpot_ms
from vgate.harness.metrics.ttft import ttft_ms

CUT = row(t_int=2.0, tok=(20.0,), t_end=None, error="unfinished 60 s after the window (trial.drain_s)")


def test_failed_refused_and_unfinished_requests_are_infinite_in_their_order() -> None:
    """Also where the first token had come."""
    rows = frame(row(), failed(t_int=1.0), CUT, row(t_int=3.0))
    assert list(of_offered(rows, e2e_ms)) == [30.0, math.inf, math.inf, 27.0]
    assert list(of_offered(rows, ttft_ms)) == [10.0, math.inf, math.inf, 7.0]
    assert list(of_offered(rows, e2e_ms).index) == [0, 1, 2, 3]


def test_of_several_samples_a_request_they_have_as_many_as_others_on_average() -> None:
    rows = frame(row(tok=(10.0, 20.0)), CUT, row(t_int=3.0, tok=(10.0, 15.0, 20.0, 25.0)))
    assert list(of_offered(rows, itl_ms)) == [10.0, math.inf, math.inf, 5.0, 5.0, 5.0]
    assert list(of_offered(rows, itl_ms).index) == [0, 1, 1, 2, 2, 2]


def test_a_latency_that_does_not_apply_is_left_out() -> None:
    """TPOT of a single token, and all latencies of the tokens of whole answers."""
    assert list(of_offered(frame(row(tok=(10.0,)), row(t_int=1.0), failed(t_int=2.0)), tpot_ms)) == [10.0, math.inf]
    whole = frame(row(tok=(), t_end=9.0), failed(t_int=1.0))
    assert of_offered(whole, ttft_ms).empty
    assert list(of_offered(whole, e2e_ms)) == [9.0, math.inf]


def test_where_nobody_was_answered_all_are_infinite() -> None:
    assert list(of_offered(frame(failed(), failed(t_int=1.0)), ttft_ms)) == [math.inf, math.inf]
    assert of_offered(frame(), ttft_ms).empty
