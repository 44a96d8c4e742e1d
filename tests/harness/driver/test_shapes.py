"""Tokens are counted and stamped rightly however a server streams them."""

from collections.abc import Callable
from statistics import median

import pytest

from tests.harness.driver.conftest import Driven, GoldenServer, closed
from vgate.harness.certificate import stamp_errors_ms, wrong_counts
from vgate.harness.golden.shapes import SHAPES
from vgate.harness.metrics.ttft import ttft_service_ms

Drive = Callable[..., Driven]
Golden = Callable[..., GoldenServer]


@pytest.mark.parametrize("usage_per_chunk", [True, False], ids=["usage in each chunk", "usage at the end"])
@pytest.mark.parametrize("model", SHAPES)
def test_counts(drive: Drive, golden: Golden, model: str, usage_per_chunk: bool) -> None:
    """An odd number of tokens and no multiple of the bundle."""
    server = golden(ttft_ms=10, itl_ms=2)
    load = closed(3, output_tokens=17, usage_per_chunk=usage_per_chunk)
    rows = drive(server.url, load, model=model, duration_s=0.3).rows
    truth = server.stamps()
    assert len(rows) >= 3
    if model == "golden-bundled" and not usage_per_chunk:
        # Nobody says how many tokens were in a chunk, and the client does not guess.
        assert rows["n_tok"].isna().all()
        assert rows["completion_tokens"].eq(17).all()
    else:
        assert wrong_counts(rows, truth) == []
    assert min(stamp_errors_ms(rows, truth)) > 0


def test_a_role_alone_is_no_first_token(drive: Drive, golden: Golden) -> None:
    """It comes at once; the first token 60 ms later."""
    rows = drive(golden(ttft_ms=60, itl_ms=1).url, closed(2), model="golden-role-first", duration_s=0.4).rows
    assert ttft_service_ms(rows).min() >= 60


def test_usage_that_comes_late_is_no_last_token(drive: Drive, golden: Golden) -> None:
    """20 ms after the last token: it counts for the answer's end and for no gap between tokens."""
    rows = drive(golden(ttft_ms=5, itl_ms=1).url, closed(2), model="golden-usage-last", duration_s=0.4).rows
    late = [(row.t_end - row.t_tok[-1]) / 1e6 for row in rows.itertuples()]
    assert median(late) > 15, "of most answers: a stamp that a busy machine made late takes its delay from this"
    assert rows["t_tok"].map(len).eq(8).all()
