"""Numbers derived from a record's stamps."""

from typing import Any

import pytest

from vgate.record import Record
from vgate.types import Usage


def record(**fields: Any) -> Record:
    usual: dict[str, Any] = {
        "stream": True,
        "arrived": 100.0,
        "first_token": 100.5,
        "last_token": 102.5,
        "finished": 103.0,
        "usage": Usage(10, 5),
    }
    return Record("id", "/v1/chat/completions", "POST", **(usual | fields))


def test_S11_ttft_counts_from_arrival() -> None:
    assert record().ttft_s == 0.5
    assert record(first_token=None).ttft_s is None


def test_S11_tpot_leaves_the_first_token_out_and_divides_by_the_rest() -> None:
    assert record().tpot_s == 0.5


@pytest.mark.parametrize(
    "fields",
    [
        {"usage": Usage(10, 1)},
        {"usage": Usage(10, 0)},
        {"usage": None},
        {"first_token": None, "last_token": None},
        {"stream": False},
    ],
)
def test_S11_tpot_is_undefined_where_there_is_nothing_to_divide(fields: dict[str, Any]) -> None:
    assert record(**fields).tpot_s is None


def test_times_at_zero_are_times() -> None:
    """Virtual time starts at 0, and 0 is not None."""
    at_zero = record(arrived=0.0, first_token=0.0, last_token=0.0, finished=0.0)
    assert (at_zero.ttft_s, at_zero.tpot_s, at_zero.duration_s) == (0.0, 0.0, 0.0)


def test_duration_is_known_when_it_has_finished() -> None:
    assert record().duration_s == 3.0
    assert record(finished=None).duration_s is None
