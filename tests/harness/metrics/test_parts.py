"""The parts of a request's time, exact to the stamp."""

import pandas as pd
import pytest

from tests.harness import server_rows
from tests.harness.rows import frame, row
from tests.harness.server_rows import hit, served
from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.parts import PARTS, parts_ms


def client(name: str, t_int: float = 0.0, end: float = 120.0, lag: float = 1.0) -> dict[str, object]:
    return row(t_int, lag, (end,), request_id=name)


def test_each_part_lies_between_its_two_stamps_and_they_sum_to_e2e() -> None:
    rows = frame(client("a"))
    server = server_rows.frame(served("a", 3, 7, 27, 35, 60, 100, 110, held=15))
    parts = parts_ms(rows, server)
    assert parts.iloc[0].to_dict() == pytest.approx(
        {
            "client": 1,
            "wire": 2 + 10,
            "gateway": 4 + 10,
            "queue": 5,
            "batch_wait": 15,
            "engine_queue": 8,
            "prefill": 25,
            "decode": 40,
        }
    )
    assert parts.columns.tolist() == list(PARTS)
    assert parts.sum(axis=1).tolist() == pytest.approx(e2e_ms(rows).tolist())


def test_rows_keep_their_index_and_order() -> None:
    rows = frame(client("a", 0), client("b", 10, 130), client("c", 20, 140))
    server = server_rows.frame(*(served(name, 30, 31, 32, 33, 34, 35, 36) for name in "cab"))
    chosen = rows.iloc[[2, 0]]
    parts = parts_ms(chosen, server)
    assert parts.index.tolist() == chosen.index.tolist()
    assert parts.sum(axis=1).tolist() == pytest.approx([120, 120])


def test_an_answer_from_the_cache_is_gateway_and_wire_whatever_became_of_its_generation() -> None:
    rows = frame(client("b", 200, 205), client("c", 300, 305))
    made = served("a", 3, 7, 27, 35, 60, 100, 110)
    server = server_rows.frame(made, hit("b", 202, 203, "ca"), hit("c", 302, 303, "long ago"))
    for parts in parts_ms(rows, server).to_dict("records"):
        assert parts == pytest.approx(dict.fromkeys(PARTS, 0.0) | {"client": 1, "wire": 3, "gateway": 1})


def test_a_joined_answer_has_the_parts_of_what_it_followed_from_its_arrival_on() -> None:
    """It comes in the midst of prefill; one that comes during the wait has its share of what that was held."""
    rows = frame(client("b", 40, 120), client("c", 10, 120))
    made = served("a", 3, 7, 27, 35, 60, 100, 109, held=10)
    joined = {"source": "ca", "cache": "coalesced"}
    server = server_rows.frame(made, hit("b", 50, 110, **joined), hit("c", 17, 110, **joined))
    early, late = parts_ms(rows, server).to_dict("records")
    assert late == pytest.approx(
        {**dict.fromkeys(PARTS, 0.0), "client": 1, "wire": 9 + 10, "gateway": 10, "prefill": 10, "decode": 40}
    )
    assert early["batch_wait"] == early["queue"] == pytest.approx(5)
    assert sum(early.values()) == pytest.approx(110)


def test_a_generation_that_nobody_but_others_followed_gives_them_its_parts() -> None:
    """Its own client left: there is no end for it, but its stamps are there."""
    rows = frame(client("b", 20, 120))
    left = served("a", 3, 7, 27, 35, 60, 100, 30, status=499, error="client left")
    server = server_rows.frame(left, hit("b", 25, 110, "ca", cache="coalesced"))
    (parts,) = parts_ms(rows, server).to_dict("records")
    assert (parts["queue"], parts["engine_queue"], parts["prefill"], parts["decode"]) == pytest.approx((2, 8, 25, 40))


def test_who_is_refused_unqueued_spent_its_time_in_the_gateway() -> None:
    rows = frame(client("a", 0, 10))
    refused = served("a", 2, None, None, None, None, None, 8, status=400, error="bad")
    (parts,) = parts_ms(rows, server_rows.frame(refused)).to_dict("records")
    assert parts == pytest.approx({**dict.fromkeys(PARTS, 0.0), "client": 1, "wire": 3, "gateway": 6})


def test_who_is_refused_while_it_waits_spent_its_time_in_the_queue() -> None:
    rows = frame(client("a", 0, 100))
    refused = served("a", 2, 5, None, None, None, None, 98, status=504, error="too late")
    (parts,) = parts_ms(rows, server_rows.frame(refused)).to_dict("records")
    assert (parts["gateway"], parts["queue"], parts["prefill"]) == pytest.approx((3, 93, 0))
    assert sum(parts.values()) == pytest.approx(100)


def test_an_answer_given_up_before_its_generation_ended_has_what_it_saw_of_it() -> None:
    """Its deadline was over while others still followed."""
    rows = frame(client("a", 0, 52))
    late = served("a", 3, 7, 27, 35, 60, 100, 50, status=504, error="too late")
    (parts,) = parts_ms(rows, server_rows.frame(late)).to_dict("records")
    assert (parts["prefill"], parts["decode"]) == pytest.approx((15, 0))
    assert sum(parts.values()) == pytest.approx(52)


def test_stamps_in_the_wrong_order_show() -> None:
    rows = frame(client("a"))
    server = server_rows.frame(served("a", 3, 7, 27, 26, 60, 100, 110))
    assert parts_ms(rows, server)["engine_queue"].tolist() == pytest.approx([-1])


@pytest.mark.parametrize(
    "known",
    [
        [],
        [served("a", 3, 7, 27, None, None, None, 110)],
        [hit("a", 3, 110, "lost", cache="coalesced")],
    ],
    ids=["no record", "an engine that does not tell", "what it followed is not recorded"],
)
def test_what_is_not_known_is_not_guessed(known: list[dict[str, object]]) -> None:
    server = server_rows.frame(*known, served("other", 1, 2, 3, 4, 5, 6, 7))
    assert parts_ms(frame(client("a")), server).isna().all(axis=None)


def test_without_an_end_there_are_no_parts() -> None:
    rows = frame(row(0, 1, (), request_id="a", error="gone"))
    parts = parts_ms(rows, server_rows.frame(served("a", 3, 7, 27, 35, 60, 100, 110)))
    assert parts.isna().all(axis=None)


def test_no_rows_have_no_parts() -> None:
    parts = parts_ms(frame(), server_rows.frame(served("a", 3, 7, 27, 35, 60, 100, 110)))
    assert isinstance(parts, pd.DataFrame)
    assert parts.empty
