from dataclasses import replace

import pandas as pd
import pytest

from tests.harness import server_rows
from tests.harness.rows import MS, WINDOW, failed, frame, row, steady
from tests.harness.server_rows import served
from vgate.harness.capacity.rates import faults
from vgate.harness.evidence import Evidence
from vgate.harness.exchange import OWN_FAULT
from vgate.harness.metrics.rates import Window
from vgate.harness.validity import reasons, unchecked

BROKEN = {"status": 200, "error": "the stream ended without [DONE]", "completion_tokens": None, "t_end": None}


def why(rows: object, cpu: float = 0.1, generated: float | None = None, open_loop: bool = False) -> list[str]:
    tokens = float(rows["completion_tokens"].fillna(0).sum()) if generated is None else generated  # type: ignore[index]
    load: dict[str, object] = {"path": "trace.csv"} if open_loop else {"users": 8}
    return reasons(Evidence(rows, WINDOW, cpu, tokens, load))  # type: ignore[arg-type]


def test_a_clean_run_is_valid() -> None:
    assert why(steady(500), open_loop=True) == []


@pytest.mark.parametrize(("lag", "valid"), [(2.5, True), (2.6, False)])
def test_lag_above_a_twentieth_of_the_median_ttft(lag: float, valid: bool) -> None:
    rows = steady(500, ttft_ms=50.0, lag_ms=lag)
    assert (why(rows) == []) is valid
    if not valid:
        assert why(rows) == [
            "the load driver sent late: p99 of its lag is 2.60 ms, more than 5% of the median TTFT of 50.00 ms"
        ]


@pytest.mark.parametrize(("count", "late"), [(458, 5), (101, 2), (99, 1), (5, 1)])
def test_lag_of_a_small_sample_is_judged_by_its_p99_all_the_same(count: int, late: int) -> None:
    """A lower percentile would be a milder judge; of fewer than 100 requests it is the largest."""
    (reason,) = why(lagging(count, late))
    assert reason == (
        f"the load driver sent late: p99 of its lag (of {count} requests, too few to be sure of it)"
        " is 3.00 ms, more than 5% of the median TTFT of 50.00 ms"
    )
    assert why(lagging(count, late - 1)) == []


def lagging(count: int, late: int) -> pd.DataFrame:
    """Requests of which the last `late` were sent 3 ms late, a TTFT of 50 ms for all."""
    lags = [3.0 if n >= count - late else 0.01 for n in range(count)]
    return frame(*(row(t_int=n * 2.0, lag=lag, tok=(n * 2.0 + 50,)) for n, lag in enumerate(lags)))


@pytest.mark.parametrize(("lag", "valid"), [(5.0, True), (5.1, False)])
def test_lag_of_whole_answers_is_held_against_their_e2e(lag: float, valid: bool) -> None:
    whole = [row(t_int=n * 2.0, lag=lag, tok=(), t_end=n * 2.0 + 100, completion_tokens=8) for n in range(459)]
    expected = "the load driver sent late: p99 of its lag is 5.10 ms, more than 5% of the median E2E of 100.00 ms"
    assert why(frame(*whole)) == ([] if valid else [expected])


def test_lag_that_is_not_known_is_not_checked() -> None:
    seen = Evidence(steady(500).assign(t_int=None).astype({"t_int": "Int64"}), WINDOW, 0.1, 5500, {"users": 8})
    assert "the load driver's lag: when requests were due or sent is not known" in unchecked(seen)


@pytest.mark.parametrize(("generated", "valid"), [(5500, True), (5499, False), (5501, False)])
def test_the_ledgers_must_agree_to_the_token(generated: int, valid: bool) -> None:
    found = why(steady(500), generated=generated)
    expected = f"the client counted 5500 tokens, the server says it generated {generated}"
    assert found == ([] if valid else [expected])


def test_replayed_answers_were_not_generated() -> None:
    rows = frame(row(), row(t_int=1.0, cache="hit"), row(t_int=2.0, cache="coalesced"), row(t_int=3.0, cache="miss"))
    assert why(rows, generated=6) == []


FAILED = "the client counted 602 tokens, the server says it generated"


def with_a_failure(generated: int, engine_tokens: int | None, **changes: object) -> Evidence:
    """200 answers of 3 tokens, and a stream that broke after 2. At most a percent fails, else that is a reason."""
    rows = frame(*(row(t_int=n / 10) for n in range(200)), row(99.0, tok=(110.0, 120.0), **BROKEN))
    broken = served("r99.0", 99, 99, 99, 99, 110, 120, 130, error="died", engine_tokens=engine_tokens, **changes)
    return Evidence(rows, WINDOW, 0.1, float(generated), {"users": 8}, server=server_rows.frame(broken))


@pytest.mark.parametrize(("generated", "valid"), [(601, False), (602, True), (607, True), (608, False)])
def test_a_failed_request_cost_what_the_client_had_to_what_the_engine_made(generated: int, valid: bool) -> None:
    """Seven: the two that the client had, and five for nobody."""
    found = reasons(with_a_failure(generated, 7))
    explained = "; 1 failed requests explain 5 more at most" if generated > 602 else ""
    assert found == ([] if valid else [f"{FAILED} {generated}{explained}"])


def test_a_failed_request_that_never_entered_the_engine_cost_nothing() -> None:
    assert reasons(with_a_failure(603, None, t_admitted=None)) != []
    assert reasons(with_a_failure(602, None, t_admitted=None)) == []


def test_what_a_failed_request_cost_may_be_unknown() -> None:
    """Then too few are found, and that too many are not is said."""
    words = "tokens: too many of them; 1 requests failed, and no record tells what they cost"
    for seen in (with_a_failure(650, None), replace(with_a_failure(650, 7), server=None)):
        assert reasons(seen) == []
        assert words in unchecked(seen)
    assert reasons(with_a_failure(601, None)) == [f"{FAILED} 601"]


def test_warm_up_requests_are_in_the_ledger() -> None:
    assert why(frame(row(), row(t_int=-1.0, phase="warmup")), generated=6) == []


@pytest.mark.parametrize(("wait", "valid"), [(0.5, True), (0.51, False)])
def test_a_starved_driver(wait: float, valid: bool) -> None:
    """What it waits for a core, its stamps are late."""
    rows = steady(500)
    found = reasons(Evidence(rows, WINDOW, 0.3, 5500, {"users": 8}, wait_share=wait))
    expected = "the load driver was starved: it ran for 30% of the window and waited for a core for 51%"
    assert found == ([] if valid else [f"{expected}, together more than 80%"])


def test_a_busy_driver() -> None:
    assert why(steady(500), cpu=0.81) == ["the load driver used 81% of a core, more than 80%"]
    assert why(steady(500), cpu=0.8) == []


def test_open_loop_must_send_what_was_due() -> None:
    due = [row(t_int=n * 10.0, tok=(n * 10 + 100.0, n * 10 + 110.0)) for n in range(98)]
    late = [row(t_int=980.0 + n, lag=100.0, tok=(3000.0, 3010.0)) for n in range(2)]
    found = why(frame(*due, *late), open_loop=True)
    assert "98.00 requests/s were sent where 100.00 were due, more than 1% apart" in found
    assert not [reason for reason in why(frame(*due, *late)) if "were due" in reason]


def test_failures_above_a_percent() -> None:
    rows = frame(
        *(row(t_int=n / 10) for n in range(98)), *(failed(50.0 + n, status=500, error="boom") for n in range(2))
    )
    assert why(rows, generated=294) == ["2 of 100 requests failed; first: boom"]


@pytest.mark.parametrize(("refused", "valid"), [(1, True), (2, False)])
def test_the_limit_of_the_benchs_own_key_is_no_outcome(refused: int, valid: bool) -> None:
    limited = [failed(50.0 + n, status=429, error="HTTP 429: limit") for n in range(refused)]
    found = why(frame(*(row(t_int=n / 10) for n in range(100 - refused)), *limited))
    assert (found == []) is valid
    if not valid:
        assert found[0].startswith("2 of 100 requests (2%) were refused by the rate limit of the key")
        assert "security.rate_limiting.enabled=false" in found[0]


def test_what_the_load_driver_lacks_is_not_the_servers_failure() -> None:
    """One request is enough, for the load was not what it says; and to a capacity search it is no outcome."""
    own = failed(99.0, status=None, error=f"{OWN_FAULT}cannot connect: [Errno 24] Too many open files")
    found = why(frame(*(row(t_int=n / 10) for n in range(100)), own))
    assert found == [
        "the load driver could not send 1 of 101 requests; first: cannot connect: [Errno 24] Too many open files"
    ]
    assert faults(found) == found
    found = why(frame(row(), own), generated=3)
    assert not [reason for reason in found if "requests failed" in reason]


def test_refusals_are_an_outcome() -> None:
    """An overloaded server that says so is measured, not broken."""
    rows = frame(*(row(t_int=n / 10) for n in range(50)), *(failed(50.0 + n) for n in range(50)))
    assert why(rows, generated=150) == []


def test_no_answer_at_all() -> None:
    assert why(frame(failed()), generated=0) == ["no request was answered; first: HTTP 503: full"]


def test_no_request_at_all() -> None:
    assert reasons(Evidence(frame(), Window(0, MS), 0.0, 0.0, {"rate": 10.0})) == ["no request was due in the window"]


def test_cut_off_requests_are_failures() -> None:
    """Whatever is still running at the drain limit would be missing from the latencies: survivors only."""
    cut = [row(t_int=50.0 + n, t_end=None, status=None, error="unfinished 5 s after the window") for n in range(2)]
    rows = frame(*(row(t_int=n / 10) for n in range(98)), *cut)
    assert why(rows, generated=300) == ["2 of 100 requests failed; first: unfinished 5 s after the window"]


def test_only_a_load_that_claims_one_rate_must_be_steady() -> None:
    """Answers take ever longer: 10 requests in flight at the beginning, 60 at the end."""
    rows = frame(*(row(t_int=n * 10.0, tok=(n * 10.0 + 100 + 5 * n,)) for n in range(-60, 100)))
    found = [
        reasons(Evidence(rows, WINDOW, 0.1, 160.0, load)) for load in ({"rate": 100.0}, {"start": 1.0}, {"users": 8})
    ]
    assert [len(each) for each in found] == [1, 0, 0]
    assert found[0][0].startswith("the queue rises")


def test_what_cannot_be_checked_is_said() -> None:
    seen = Evidence(steady(500), WINDOW, 0.1, 5500.0, {"users": 8})
    assert reasons(seen) == []
    assert unchecked(seen) == ["Little's law: the run has no samples and records of the server's own"]


def test_what_an_imported_file_does_not_tell_is_not_checked() -> None:
    seen = Evidence(steady(500), WINDOW, None, None, {"users": 8})
    assert reasons(seen) == []
    assert unchecked(seen)[:2] == ["tokens: the server's own count is not known", "the load driver's CPU: not known"]
