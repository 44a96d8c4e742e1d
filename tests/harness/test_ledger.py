"""Three books of the same requests."""

from typing import Any

import pandas as pd
import pytest

from tests.harness import server_rows
from tests.harness.rows import frame, row
from tests.harness.server_rows import hit, served
from vgate.harness.ledger import disagreements

STAMPS = (1, 2, 3, 4, 5, 6, 7)
BEFORE = 'vllm:generation_tokens_total{engine="0"} 100.0\nvllm:prompt_tokens_total{engine="0"} 1000.0\n'


def after(tokens: int, prompts: int) -> str:
    return (
        f'vllm:generation_tokens_total{{engine="0"}} {100.0 + tokens}\n'
        f'vllm:prompt_tokens_total{{engine="0"}} {1000.0 + prompts}\n'
    )


def asked(name: str, **changes: Any) -> dict[str, Any]:
    return row(request_id=name, prompt_tokens=4, **changes)


def found(rows: pd.DataFrame, server: pd.DataFrame, metrics: tuple[str, str], dropped: int = 0) -> list[str]:
    return list(disagreements(rows, server, metrics, dropped))


def test_books_that_agree() -> None:
    """A generation, an answer from the cache, and one that its client left after two tokens."""
    left = asked("c", error="left", t_end=None, completion_tokens=None)
    rows = frame(asked("a"), asked("b"), left)
    gone = served("c", *STAMPS, completion_tokens=None, prompt_tokens=None, engine_tokens=2, status=499)
    server = server_rows.frame(served("a", *STAMPS), hit("b", 1, 2, "ca"), gone)
    assert found(rows, server, (BEFORE, after(3 + 2, 4 + 4))) == []


def test_an_engine_that_has_no_counters_is_not_asked_for_them() -> None:
    assert found(frame(asked("a")), server_rows.frame(served("a", *STAMPS)), ("", "vgate_x 1\n")) == []


@pytest.mark.parametrize(("tokens", "prompts"), [(2, 4), (4, 4), (3, 8), (3, 0)])
def test_counters_are_held_against_the_sum_of_the_records(tokens: int, prompts: int) -> None:
    (reason,) = found(frame(asked("a")), server_rows.frame(served("a", *STAMPS)), (BEFORE, after(tokens, prompts)))
    counted, recorded = (prompts, 4) if prompts != 4 else (tokens, 3)
    assert reason.endswith(f"grew by {counted}, the requests' own records add up to {recorded}")


def test_a_request_without_a_record() -> None:
    never_sent = asked("c", error="cannot connect", completion_tokens=None) | {"t_send": None}
    rows = frame(asked("a"), asked("b"), never_sent)
    (reason,) = found(rows, server_rows.frame(served("a", *STAMPS)), ("", ""))
    assert reason == "1 of 2 requests have no record at the server; first: b"


def test_a_request_with_two_records() -> None:
    (reason,) = found(frame(asked("a")), server_rows.frame(served("a", *STAMPS), served("a", *STAMPS)), ("", ""))
    assert reason == "1 requests have several records at the server; first: a"


def test_an_answer_that_lost_tokens_on_its_way() -> None:
    rows = frame(asked("a"), asked("b") | {"completion_tokens": 2})
    server = server_rows.frame(served("a", *STAMPS), served("b", *STAMPS))
    assert found(rows, server, ("", "")) == ["1 answers' completion_tokens are not what the server sent; first: b"]


def test_records_that_were_dropped_say_so_and_nothing_else() -> None:
    rows = frame(asked("a"), asked("b"))
    assert found(rows, server_rows.frame(served("a", *STAMPS)), (BEFORE, after(6, 8)), dropped=1) == [
        "the server kept the records of 1 requests and dropped those of 1 more"
    ]
