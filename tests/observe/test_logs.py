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

from vgate.observe import logs
from vgate.observe.logs import change, configure

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


class Stalled(io.StringIO):
    """Takes nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = threading.Event()

    def write(self, text: str) -> int:
        self.reads.wait()
        return super().write(text)


def test_lines_that_nobody_reads_are_bounded_and_those_missing_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_WAITING", 50)
    stream = Stalled()
    close = configure("INFO", json_format=True, stream=stream)
    for number in range(1000):
        logging.getLogger("vgate.test").info("line", extra={"number": number})
    stream.reads.set()
    close()
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    kept = [line["number"] for line in told if line["message"] == "line"]
    assert kept == sorted(set(kept)), "in order, none twice"
    assert 50 <= len(kept) < 100
    assert sum(line["lines"] for line in told if line["message"] == "log lines lost") == 1000 - len(kept)
    assert (told[-1]["message"], told[-1]["level"]) == ("log lines lost", "warning")


def test_the_end_does_not_wait_for_ever_for_who_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_PATIENCE_S", 0.05)
    stream = Stalled()
    close = configure("INFO", json_format=True, stream=stream)
    logging.getLogger("vgate.test").info("line")
    begun = time.monotonic()
    close()
    assert time.monotonic() - begun < 5
    stream.reads.set()


def test_text_for_people() -> None:
    stream = io.StringIO()
    close = configure("INFO", json_format=False, stream=stream)
    logging.getLogger("vgate.test").info("batch done", extra={"batch_id": 7})
    close()
    line = stream.getvalue()
    assert "batch done" in line
    assert "batch_id=7" in line
    assert "\x1b" not in line


FORGERY = "x\n2026-01-01T00:00:00.000Z [error    ] forged [vgate] status=500\r\x1b[2K\u2028\x85\x9b2J\x7f"


@pytest.mark.parametrize("json_format", [True, False])
def test_nothing_in_a_field_begins_a_line_or_steers_a_terminal(json_format: bool) -> None:
    stream = io.StringIO()
    close = configure("INFO", json_format=json_format, stream=stream)
    log = logging.getLogger("vgate.test")
    log.info("fields", extra={"user": FORGERY, "nested": {"a": [FORGERY]}, "error": FORGERY})
    log.info(FORGERY)
    try:
        int(FORGERY)
    except ValueError:
        log.exception("failed")
    close()
    text = stream.getvalue()
    assert not set(text) & set("\r\x1b\u2028\x85\x9b\x7f")
    lines = text.splitlines()
    began = [line for line in lines if not line.startswith("    | ")]
    assert len(began) == 3
    assert json_format == (lines == began)
    assert not any(line.startswith("2026-01-01") for line in lines)


def test_the_format_and_the_level_can_change_while_it_goes_on() -> None:
    stream = io.StringIO()
    close = configure("INFO", json_format=True, stream=stream)
    logging.getLogger("vgate.test").info("one")
    while not stream.getvalue():
        time.sleep(0.001)
    change("WARNING", json_format=False)
    logging.getLogger("vgate.test").info("no")
    logging.getLogger("vgate.test").warning("two")
    close()
    first, second = stream.getvalue().splitlines()
    assert json.loads(first)["message"] == "one"
    assert "two" in second
    assert not second.startswith("{")


def test_without_logs_of_its_own_nothing_changes() -> None:
    before = logging.getLogger().level
    change("DEBUG", json_format=True)
    assert logging.getLogger().level == before
