"""Log lines: one JSON object each, with true times."""

import io
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from vgate.observe.logs import LogObserver, change, configure
from vgate.record import Record
from vgate.types import Batch, Usage

Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """The process's logging as it was."""
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn")
    before = root.handlers, root.level, uvicorn.level
    yield
    root.handlers = before[0]
    root.setLevel(before[1])
    uvicorn.setLevel(before[2])


def lines_of(write: Callable[[logging.Logger], object], level: str = "INFO") -> list[dict[str, Any]]:
    """What is written out by the time the logs are closed."""
    stream = io.StringIO()
    close = configure(level, json_format=True, stream=stream)
    write(logging.getLogger("vgate.test"))
    close()
    return [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]


def test_a_line_has_time_level_logger_message_and_fields() -> None:
    [line] = lines_of(lambda log: log.info("batch done", extra={"batch_id": 7, "duration_s": 0.5, "prompts": 8}))
    assert list(line)[:3] == ["timestamp", "level", "logger"]
    assert line == {
        "timestamp": line["timestamp"],
        "level": "info",
        "logger": "vgate.test",
        "message": "batch done",
        "batch_id": 7,
        "duration_s": 0.5,
        "prompts": 8,
    }


def test_the_time_is_utc_to_the_millisecond_of_when_it_was_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()

    def write(log: logging.Logger) -> None:
        record = log.makeRecord(log.name, logging.INFO, "", 0, "then", (), None)
        record.created = 1_700_000_000.123_9
        log.handle(record)

    [line] = lines_of(write)
    monkeypatch.undo()
    time.tzset()
    assert line["timestamp"] == "2023-11-14T22:13:20.123Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("two\nlines\r\n", {}),
        ('quotes " and {braces}', {"text": "a\nb"}),
        ("ü \u2028 \x00", {}),
        ("half a pair \ud800", {}),
        ("big", {"number": 1 << 80}),
        ("odd", {"object": object(), "bytes": b"\xff", "set": {1}}),
        ("nested", {"inner": {"a": [1, {"b": None}]}}),
        ("odd keys", {"inner": {1: 2}}),
        ("percent %d", {}),
    ],
)
def test_every_line_is_one_line_of_json_whatever_is_in_it(message: str, fields: dict[str, Any]) -> None:
    [line] = lines_of(lambda log: log.info(message, extra=fields))
    assert line["message"] == message
    assert line.keys() >= fields.keys()


def test_an_exception_is_in_its_line() -> None:
    def write(log: logging.Logger) -> None:
        try:
            int("no")
        except ValueError:
            log.exception("failed", extra={"request_id": "r"})

    [line] = lines_of(write)
    assert (line["level"], line["message"], line["request_id"]) == ("error", "failed", "r")
    assert line["exception"].endswith("ValueError: invalid literal for int() with base 10: 'no'")
    assert "Traceback" in line["exception"]


def test_the_level_holds_and_uvicorn_is_quiet() -> None:
    def write(log: logging.Logger) -> None:
        log.debug("no")
        log.warning("yes")
        logging.getLogger("uvicorn.error").info("Started server process")

    assert [line["message"] for line in lines_of(write)] == ["yes"]


def test_what_libraries_put_on_every_record_is_left_out() -> None:
    [line] = lines_of(lambda log: log.info("a", extra={"color_message": "x", "vllm_process_name": "y", "mine": 1}))
    assert (line["mine"], line.keys() & {"color_message", "vllm_process_name"}) == (1, set())


def test_closing_writes_out_everything_in_order() -> None:
    lines = lines_of(lambda log: [log.info("line", extra={"number": number}) for number in range(2000)])
    assert [line["number"] for line in lines] == list(range(2000))


def test_a_reader_that_stalls_does_not_hold_up_who_logs() -> None:
    """The stream blocks until the test lets it go; logging returns all the same."""
    gate = threading.Event()

    class Stalled(io.StringIO):
        def write(self, text: str) -> int:
            gate.wait(20)
            return super().write(text)

    stream = Stalled()
    close = configure("INFO", json_format=True, stream=stream)
    for _ in range(100):
        logging.getLogger("vgate.test").info("a")
    assert stream.getvalue() == ""
    gate.set()
    close()
    assert stream.getvalue().count("\n") == 100


def test_text_for_people() -> None:
    stream = io.StringIO()
    close = configure("INFO", json_format=False, stream=stream)
    logging.getLogger("vgate.test").info("batch done", extra={"batch_id": 7})
    close()
    line = stream.getvalue()
    assert "batch done" in line
    assert "batch_id=7" in line
    assert "\x1b" not in line


def record(**fields: Any) -> Record:
    usual: dict[str, Any] = {"arrived": 10.0, "finished": 11.5, "status": 200}
    return Record("r-1", fields.pop("endpoint", "/v1/chat/completions"), "POST", **(usual | fields))


def test_a_request_done_says_what_happened_and_leaves_out_what_did_not() -> None:
    whole = record(
        stream=True, caller="ann", user="u", cache="miss", batch_id=3, batch_size=8, admitted=10.05,
        first_token=10.5, last_token=11.5, usage=Usage(12, 5), generated=True,
    )  # fmt: skip
    full, bare = lines_of(lambda _log: [LogObserver().finished(whole), LogObserver().finished(record(status=499))])
    assert {name: value for name, value in full.items() if name != "timestamp"} == {
        "level": "info", "logger": "vgate.requests", "message": "request done", "request_id": "r-1",
        "endpoint": "/v1/chat/completions", "method": "POST", "status": 200, "key_name": "ann", "user": "u",
        "stream": True, "cache": "miss", "batch_id": 3, "batch_size": 8, "prompt_tokens": 12, "tokens": 5,
        "wait_s": 0.05, "ttft_s": 0.5, "tpot_s": 0.25, "duration_s": 1.5,
    }  # fmt: skip
    assert bare.keys() == {
        "timestamp", "level", "logger", "message", "request_id", "endpoint", "method", "status", "stream", "duration_s"
    }  # fmt: skip


@pytest.mark.parametrize("endpoint", ["/health", "/ready", "/metrics", "/stats"])
def test_watching_the_server_does_not_fill_the_log(endpoint: str) -> None:
    assert not lines_of(lambda _log: LogObserver().finished(record(endpoint=endpoint)))
    [line] = lines_of(lambda _log: LogObserver().finished(record(endpoint=endpoint)), "DEBUG")
    assert line["endpoint"] == endpoint


def test_a_batch_done_says_how_many_how_long_and_how_much() -> None:
    [line] = lines_of(lambda _log: LogObserver().batch_done(Batch(4, 8, 10.0, 0, tokens=256), 12.5))
    assert (line["batch_id"], line["prompts"], line["tokens"], line["duration_s"]) == (4, 8, 256, 2.5)


def test_level_and_format_change_while_it_runs() -> None:
    stream, log = io.StringIO(), logging.getLogger("vgate.test")
    close = configure("INFO", json_format=True, stream=stream)
    log.debug("not told")
    change("DEBUG", json_format=True)
    log.debug("told")
    # The formatter is the writer's: all before has to be written first.
    while "told" not in stream.getvalue():
        time.sleep(0.001)
    change("WARNING", json_format=False)
    log.info("not told any more")
    log.warning("as text")
    close()
    first, second = stream.getvalue().splitlines()
    assert json.loads(first)["message"] == "told"
    assert "as text" in second
    assert not second.startswith("{")


def test_without_logs_of_its_own_nothing_changes() -> None:
    before = logging.getLogger().level
    change("DEBUG", json_format=True)
    assert logging.getLogger().level == before
