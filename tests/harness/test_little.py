from typing import Any

import pandas as pd
import pytest

from tests.harness.rows import MS, WINDOW, frame, row
from vgate.harness.evidence import Evidence, Unchecked
from vgate.harness.little import little

STAYS = [(n * 7.0, n * 7.0 + 20 + (n * 13) % 50) for n in range(-10, 150)]  # about six at once


def why(gauges: pd.DataFrame | None, stays: list[tuple[float, float]] = STAYS, way: float = 0.0) -> list[str]:
    """way: milliseconds that a request is on the wire, to the server and back."""
    rows = frame(*(row(t_int=begin, lag=-way, tok=(end + way,)) for begin, end in STAYS))
    made = [{"request_id": f"r{a}", "t_arrived": round(a * MS), "t_finished": round(b * MS)} for a, b in stays]
    server = pd.DataFrame(made).astype({"t_arrived": "Int64", "t_finished": "Int64"})
    return list(little(Evidence(rows, WINDOW, 0.1, 0.0, {"users": 8}, gauges, server)))


def sampled(factor: float = 1.0, extra: float = 0.0) -> pd.DataFrame:
    """The server's own count every 20 ms, if it is right; times `factor` plus `extra` if it is not."""
    moments = [stamp * MS for stamp in range(-100, 1200, 20)]
    counts = [sum(a * MS <= t < b * MS for a, b in STAYS) * factor + extra for t in moments]
    return pd.DataFrame({"t": moments, "in_flight": counts})


def test_it_holds_for_a_server_that_counts_right() -> None:
    assert why(sampled()) == []


def test_few_samples_are_no_reason() -> None:
    """Three samples of a number between 3 and 9 are off its mean, and all the same right."""
    assert why(sampled().iloc[[6, 20, 41]]) == []


@pytest.mark.parametrize(("factor", "valid"), [(1.015, True), (1.03, False), (0.985, True), (0.97, False)])
def test_two_percent(factor: float, valid: bool) -> None:
    assert (why(sampled(factor)) == []) is valid


def test_a_count_that_leaks() -> None:
    client, records = why(sampled(extra=1.0))
    assert client.startswith("Little's law is off by 1")
    assert "requests in the server on average by its own count" in client
    assert records.startswith("the server's records differ from its count by 1")


def test_what_is_on_the_wire_is_not_in_the_server() -> None:
    assert why(sampled(), way=5.0) == []


def test_work_that_the_clients_did_not_ask_for() -> None:
    """The server counts and records all that it did, but a third of it was for others."""
    rows = frame(*(row(t_int=begin, tok=(end,)) for begin, end in STAYS[::3] + STAYS[1::3]))
    made = [{"request_id": f"r{a}", "t_arrived": round(a * MS), "t_finished": round(b * MS)} for a, b in STAYS]
    seen = Evidence(rows, WINDOW, 0.1, 0.0, {"users": 8}, sampled(), pd.DataFrame(made))
    reason = next(iter(little(seen)))
    assert reason.startswith("Little's law is off by 4")
    assert "under way by the client's rate x mean time" in reason


def test_a_sample_between_two_stamps_is_chance() -> None:
    """One short request, whose end the server notes after the client has it, and a sample that falls in between."""
    moments = [stamp * MS for stamp in range(0, 1000, 20)]
    counts = [int(t == 500 * MS) for t in moments]
    server = pd.DataFrame([{"request_id": "r495.0", "t_arrived": 496 * MS, "t_finished": 501 * MS}])
    rows = frame(row(t_int=495.0, tok=(499.0,)))
    gauges = pd.DataFrame({"t": moments, "in_flight": counts})
    assert list(little(Evidence(rows, WINDOW, 0.1, 0.0, {"users": 8}, gauges, server))) == []


def test_a_record_that_was_lost() -> None:
    (reason,) = why(sampled(), STAYS[:70] + STAYS[80:])
    assert "the server's records differ from its count by" in reason


@pytest.mark.parametrize("gauges", [None, sampled().iloc[:0]])
def test_without_samples_nothing_is_claimed(gauges: Any) -> None:
    (words,) = why(gauges)
    assert isinstance(words, Unchecked)


def test_requests_of_others_do_not_count() -> None:
    rows = frame(*(row(t_int=begin, tok=(end,)) for begin, end in STAYS))
    stranger = {"request_id": "other", "t_arrived": 0, "t_finished": 900 * MS}
    made = [{"request_id": f"r{a}", "t_arrived": round(a * MS), "t_finished": round(b * MS)} for a, b in STAYS]
    seen = Evidence(rows, WINDOW, 0.1, 0.0, {"users": 8}, sampled(), pd.DataFrame([*made, stranger]))
    assert list(little(seen)) == []
