import pytest

from tests.harness.rows import MS, WINDOW, failed, frame, row, steady
from vgate.harness.evidence import Evidence
from vgate.harness.metrics.rates import Window
from vgate.harness.validity import reasons, unchecked

TOKENS = 11


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


def test_lag_of_a_small_sample_is_judged_by_what_it_supports() -> None:
    """p99 of 100 requests is refused everywhere else too."""
    (reason,) = why(steady(100, ttft_ms=50.0, lag_ms=3.0))
    assert "p95 of its lag is 3.00 ms" in reason


@pytest.mark.parametrize(("generated", "valid"), [(5500, True), (5499, False), (5501, False)])
def test_the_ledgers_must_agree_to_the_token(generated: int, valid: bool) -> None:
    found = why(steady(500), generated=generated)
    expected = f"the client counted 5500 tokens, the server says it generated {generated}"
    assert found == ([] if valid else [expected])


def test_replayed_answers_were_not_generated() -> None:
    rows = frame(row(), row(t_int=1.0, cache="hit"), row(t_int=2.0, cache="coalesced"), row(t_int=3.0, cache="miss"))
    assert why(rows, generated=6) == []


def test_failed_requests_may_have_cost_tokens() -> None:
    """At most a percent of them, else the errors are a reason themselves."""
    rows = frame(*(row(t_int=n / 10) for n in range(200)), failed(t_int=99.0, status=500, error="HTTP 500: died"))
    assert why(rows, generated=607) == []
    assert why(rows, generated=599) != []


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
