import math

from tests.harness.rows import frame, row
from vgate.harness.metrics.itl import icl_ms, itl_known, itl_ms


def test_pooled_over_requests() -> None:
    rows = frame(row(tok=(10.0, 20.0, 40.0)), row(t_int=1.0, tok=(5.0, 6.0)))
    assert sorted(itl_ms(rows)) == [1.0, 10.0, 20.0]


def test_a_bundle_gives_one_sample_per_token() -> None:
    """A gap of 30 ms before a chunk of three tokens is three times 10 ms; the first chunk's tokens have no gap."""
    rows = frame(row(tok=(10.0, 40.0), n_tok=[2, 3], completion_tokens=5))
    assert list(itl_ms(rows)) == [10.0, 10.0, 10.0]
    assert list(icl_ms(rows)) == [30.0]


def test_unknown_bundles_are_left_out_and_counted() -> None:
    rows = frame(row(tok=(10.0, 20.0)), row(t_int=1.0, tok=(10.0, 40.0), n_tok=None, completion_tokens=5))
    assert list(itl_ms(rows)) == [10.0]
    assert itl_known(rows) == 0.5


def test_whole_answers_have_none() -> None:
    rows = frame(row(tok=(), t_end=9.0))
    assert itl_ms(rows).empty
    assert icl_ms(rows).empty
    assert math.isnan(itl_known(rows))
