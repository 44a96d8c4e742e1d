import math

import pytest

from tests.harness.rows import WINDOW, failed, frame, row
from vgate.harness.metrics.goodput import Slo, attainment, good, goodput

FAST = row(t_int=0.0, tok=(100.0, 110.0))
LATE = row(t_int=1.0, tok=(202.0, 212.0))  # TTFT 201
SLOW = row(t_int=2.0, tok=(102.0, 132.0))  # TPOT 30


@pytest.mark.parametrize(
    ("slo", "expected"),
    [
        (Slo(), [True, True, True]),
        (Slo(ttft_ms=200), [True, False, True]),
        (Slo(tpot_ms=20), [True, True, False]),
        (Slo(ttft_ms=200, tpot_ms=20), [True, False, False]),
        (Slo(e2e_ms=130), [True, False, True]),
    ],
)
def test_all_limits_must_be_met(slo: Slo, expected: list[bool]) -> None:
    assert list(good(frame(FAST, LATE, SLOW), slo)) == expected


def test_exactly_the_limit_is_good() -> None:
    assert list(good(frame(FAST), Slo(ttft_ms=100, tpot_ms=10, e2e_ms=110))) == [True]


def test_errors_are_bad_and_stay_in_the_denominator() -> None:
    """Attainment is over what was offered: two of three, though both answered requests are good."""
    rows = frame(FAST, SLOW, failed(t_int=3.0))
    assert attainment(rows, Slo(), WINDOW) == pytest.approx(2 / 3)
    assert goodput(rows, Slo(), WINDOW) == 2.0


def test_a_late_driver_counts_against_the_server_too() -> None:
    """The user waited, whoever was late."""
    assert list(good(frame(row(t_int=0.0, lag=150.0, tok=(210.0,))), Slo(ttft_ms=200))) == [False]


def test_only_requests_due_in_the_window_count() -> None:
    rows = frame(FAST, row(t_int=-5.0, tok=(50.0,)), row(t_int=1000.0, tok=(1050.0,)))
    assert goodput(rows, Slo(), WINDOW) == 1.0


def test_tokens_that_all_came_at_once_were_not_waited_for() -> None:
    rows = frame(row(tok=(10.0,)), row(t_int=1.0, tok=(10.0,), n_tok=[32], completion_tokens=32))
    assert list(good(rows, Slo(tpot_ms=1))) == [True, True]


@pytest.mark.parametrize("slo", [Slo(ttft_ms=1000), Slo(tpot_ms=1000)])
def test_what_has_no_such_time_does_not_meet_its_target(slo: Slo) -> None:
    """A whole answer, and tokens of which none is told how many they were."""
    rows = frame(row(tok=(), t_end=50.0, completion_tokens=8), row(t_int=1.0, tok=(10.0, 20.0), completion_tokens=None))
    assert list(good(rows, slo)) == [False, slo.tpot_ms is None]
    assert list(good(rows, Slo(e2e_ms=1000))) == [True, True]


def test_a_stream_without_any_text_has_no_first_token() -> None:
    rows = frame(row(tok=(), t_end=5.0, completion_tokens=1))
    assert list(good(rows, Slo(ttft_ms=1000))) == [False]


def test_nothing_due_has_no_attainment() -> None:
    assert math.isnan(attainment(frame(row(t_int=2000.0, tok=(2001.0,))), Slo(), WINDOW))


def test_in_words() -> None:
    assert str(Slo(ttft_ms=500, tpot_ms=50)) == "TTFT <= 500 ms, TPOT <= 50 ms"
    assert (bool(Slo()), bool(Slo(e2e_ms=1))) == (False, True)
