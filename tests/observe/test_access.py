"""Lines for requests and batches: what they say, and which of them are written."""

import logging
from typing import Any

import pytest

from vgate.config.schema import LoggingSettings
from vgate.observe.access import LogObserver, is_sampled
from vgate.record import Record
from vgate.types import Batch, EngineSpan, Usage

CHOSEN = [True, False, True, False, True, True, True, True]


def settings(**changes: Any) -> LoggingSettings:
    return LoggingSettings(level="INFO", json_format=True, **changes)


@pytest.fixture
def observer(caplog: pytest.LogCaptureFixture) -> LogObserver:
    caplog.set_level(logging.INFO)
    return LogObserver(settings)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The fields of each line, and its message."""
    usual = set(vars(logging.makeLogRecord({}))) - {"message"}
    return [{k: v for k, v in vars(line).items() if k not in usual} for line in caplog.records]


def record(**fields: Any) -> Record:
    usual: dict[str, Any] = {"arrived": 10.0, "finished": 11.5, "status": 200}
    names = {"request_id": "r-1", "endpoint": "/v1/chat/completions", "method": "POST"}
    return Record(**(names | usual | fields))


def test_a_request_done_says_what_happened_and_leaves_out_what_did_not(
    observer: LogObserver, caplog: pytest.LogCaptureFixture
) -> None:
    whole = record(
        stream=True, caller="ann", user="u", cache="miss", batch_id=3, batch_size=8, queued=10.01, admitted=10.05,
        first_token=10.5, last_token=11.5, usage=Usage(12, 5), generated=True, call_id="c", answered=11.5, held_s=0.03,
        span=EngineSpan(scheduled=10.06, first_token=10.49, last_token=11.49),
    )  # fmt: skip
    observer.finished(whole)
    observer.finished(record(status=499))
    full, bare = lines(caplog)
    assert full == {
        "message": "request done", "request_id": "r-1",
        "endpoint": "/v1/chat/completions", "method": "POST", "status": 200, "key_name": "ann", "user": "u",
        "stream": True, "cache": "miss", "batch_id": 3, "batch_size": 8, "prompt_tokens": 12, "tokens": 5,
        "wait_s": 0.05, "ttft_s": 0.5, "tpot_s": 0.25, "duration_s": 1.5, "gateway_s": 0.02, "queue_s": 0.01,
        "batch_wait_s": 0.03, "engine_queue_s": 0.01, "prefill_s": 0.43, "decode_s": 1.0,
    }  # fmt: skip
    assert bare.keys() == {"message", "request_id", "endpoint", "method", "status", "stream", "duration_s"}


def test_a_whole_answer_has_no_first_token_that_its_client_saw(
    observer: LogObserver, caplog: pytest.LogCaptureFixture
) -> None:
    """Else the mean of a log's `ttft_s` would be that of whole answers."""
    observer.finished(record(first_token=11.4, last_token=11.4, usage=Usage(12, 5)))
    assert "ttft_s" not in lines(caplog)[0]


@pytest.mark.parametrize("endpoint", ["/health", "/ready", "/metrics", "/stats"])
def test_watching_the_server_does_not_fill_the_log(
    endpoint: str, observer: LogObserver, caplog: pytest.LogCaptureFixture
) -> None:
    observer.finished(record(endpoint=endpoint))
    assert not caplog.records
    caplog.set_level(logging.DEBUG)
    observer.finished(record(endpoint=endpoint))
    assert lines(caplog)[0]["endpoint"] == endpoint


def test_a_batch_done_says_how_many_how_long_and_how_much(
    observer: LogObserver, caplog: pytest.LogCaptureFixture
) -> None:
    observer.batch_done(Batch(4, 8, 10.0, 0, tokens=256), 12.5)
    [line] = lines(caplog)
    assert (line["batch_id"], line["prompts"], line["tokens"], line["duration_s"]) == (4, 8, 256, 2.5)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_of_what_went_well_that_share_is_written_of_errors_all(share: float, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    observer = LogObserver(lambda: settings(access_sample=share))
    for number in range(4000):
        observer.finished(record(request_id=f"r{number}"))
        observer.batch_done(Batch(number, 1, 0.0, 0), 1.0)
    written = lines(caplog)
    for message in ("request done", "batch done"):
        count = sum(line["message"] == message for line in written)
        assert count == pytest.approx(4000 * share, abs=150 * (0 < share < 1))
    caplog.clear()
    for number in range(100):
        observer.finished(record(request_id=f"e{number}", status=400 + number))
        observer.finished(record(request_id=f"b{number}", error="broken off"))
    assert len(caplog.records) == 200


def test_the_choice_is_the_request_ids_alone() -> None:
    ids = [f"request-{number}" for number in range(200)]
    chosen = [is_sampled(name, 0.3) for name in ids]
    assert chosen == [is_sampled(name, 0.3) for name in ids]
    assert {name for name in ids if is_sampled(name, 0.1)} <= {name for name in ids if is_sampled(name, 0.3)}
    assert is_sampled("request-0", 1.0)
    assert [is_sampled(name, 0.5) for name in "abcdefgh"] == CHOSEN, "the same on every machine and in every version"


def test_an_error_is_cut_where_it_becomes_long(observer: LogObserver, caplog: pytest.LogCaptureFixture) -> None:
    observer.finished(record(status=500, error="x" * 10_000))
    assert len(lines(caplog)[0]["error"]) == 500
