import pytest

from tests.harness.rows import frame, row
from vgate.harness.metrics.tpot import at_once, tpot_ms


def tpot(**changes: object) -> float:
    return float(tpot_ms(frame(row(**changes))).iloc[0])  # type: ignore[arg-type]


def test_one_token_per_chunk() -> None:
    assert tpot(tok=(10.0, 20.0, 40.0)) == 15.0


def test_tokens_of_the_first_chunk_are_not_decoding() -> None:
    """Five tokens, two of them in the first chunk: 30 ms for three."""
    assert tpot(tok=(10.0, 40.0), n_tok=[2, 3], completion_tokens=5) == 10.0


def test_the_servers_count_decides() -> None:
    assert tpot(tok=(10.0, 20.0, 40.0), n_tok=None, completion_tokens=7) == 5.0


def test_the_token_that_ends_an_answer_is_not_counted() -> None:
    """It shows no text, so the time of its coming is not in t_last: a token every 10 ms, whatever the length."""
    short = tpot(tok=(10.0, 20.0), completion_tokens=3, client_tokens=3, finish_reason="stop")
    long = tpot(tok=tuple(10.0 * n for n in range(1, 33)), completion_tokens=33, client_tokens=33, finish_reason="stop")
    assert (short, long) == (10.0, 10.0)


def test_nor_are_tokens_without_text_at_the_end_of_a_bundled_stream() -> None:
    assert tpot(tok=(10.0, 40.0), n_tok=[2, 3], completion_tokens=9) == 10.0


def test_where_bundles_are_not_known_the_end_token_is_a_bias_of_one_in_n() -> None:
    assert tpot(tok=(10.0, 50.0), n_tok=None, completion_tokens=6) == pytest.approx(10.0 * 4 / 5)


def test_at_once() -> None:
    rows = frame(
        row(tok=(10.0,)),
        row(t_int=1.0, tok=(10.0,), n_tok=[32], completion_tokens=32),
        row(t_int=2.0, tok=(10.0, 20.0)),
        row(t_int=3.0, tok=(10.0,), n_tok=None, completion_tokens=32),
        row(t_int=4.0, tok=(), t_end=9.0, completion_tokens=1),
        row(t_int=5.0, tok=(10.0,), completion_tokens=None),
    )
    assert list(at_once(rows)) == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    "changes",
    [
        {"tok": (10.0,), "completion_tokens": 1},
        {"tok": (10.0,), "n_tok": [32], "completion_tokens": 32},
        {"tok": (), "t_end": 50.0, "completion_tokens": 32},
        {"tok": (10.0, 20.0), "completion_tokens": None},
    ],
    ids=["one token", "all in one chunk", "whole answer", "no usage"],
)
def test_undefined(changes: dict[str, object]) -> None:
    assert tpot(**changes) != tpot(**changes)  # NaN
