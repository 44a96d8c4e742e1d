import pytest

from tests.harness.rows import frame, row
from vgate.harness.metrics.tpot import tpot_ms


def tpot(**changes: object) -> float:
    return float(tpot_ms(frame(row(**changes))).iloc[0])  # type: ignore[arg-type]


def test_one_token_per_chunk() -> None:
    assert tpot(tok=(10.0, 20.0, 40.0)) == 15.0


def test_tokens_of_the_first_chunk_are_not_decoding() -> None:
    """Five tokens, two of them in the first chunk: 30 ms for three."""
    assert tpot(tok=(10.0, 40.0), n_tok=[2, 3], completion_tokens=5) == 10.0


def test_the_servers_count_decides() -> None:
    assert tpot(tok=(10.0, 20.0, 40.0), n_tok=None, completion_tokens=7) == 5.0


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
