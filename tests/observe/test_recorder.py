"""Records are kept on request only, whole, and within a bound."""

import asyncio
from typing import Any

import orjson

from tests.calls import chat
from vgate.observe.recorder import Recorder, row
from vgate.record import Record
from vgate.types import Batch, EngineSpan, Ticket, Usage


def record(name: str = "r", method: str = "POST", **fields: Any) -> Record:
    return Record(name, "/v1/chat/completions", method, 1.0, call_id=f"c{name}", finished=2.0, **fields)


def told(recorder: Recorder) -> list[Any]:
    kept = recorder.kept
    assert kept is not None
    return [orjson.loads(line) for line in kept]


async def leaves(recorder: Recorder, one: Record) -> None:
    """The generation that a record belongs to ends."""
    one.generating = False
    call = type(chat())(one.call_id, "chat", {})
    recorder.left(Ticket(call, 1, 0.0, asyncio.get_running_loop().create_future()))


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    recorder = Recorder()
    recorder.finished(record())
    assert recorder.kept is None
    recorder.start(10)
    assert recorder.kept == []
    recorder.finished(record())
    recorder.stop()
    assert recorder.kept is None
    recorder.start(10)
    assert recorder.kept == []


def test_a_measurement_does_not_begin_with_the_batch_of_the_one_before() -> None:
    recorder = Recorder()
    recorder.batch_done(Batch(1, 4, 0.0, running=4), 1.0)
    assert recorder.batch_size == 4
    recorder.start(10)
    assert recorder.batch_size is None


def test_only_requests_that_ask_a_model_count() -> None:
    recorder = Recorder()
    recorder.start(10)
    for one in (record("poll", "GET"), record("asks")):
        recorder.started(one)
    assert recorder.in_flight == 1
    for one in (record("poll", "GET"), record("asks")):
        recorder.finished(one)
    assert recorder.in_flight == 0
    assert [line["request_id"] for line in told(recorder)] == ["asks"]


def test_what_there_is_no_room_for_is_counted() -> None:
    recorder = Recorder()
    recorder.start(2)
    for number in range(5):
        recorder.finished(record(f"{number}"))
    assert [line["request_id"] for line in told(recorder)] == ["0", "1"]
    assert recorder.dropped == 3
    recorder.start(2)
    assert recorder.dropped == 0


async def test_a_record_is_kept_with_all_of_its_generation_though_its_client_left_before() -> None:
    recorder, one = Recorder(), record("left", generating=True, status=499, span=EngineSpan())
    recorder.start(1)
    recorder.finished(one)
    recorder.finished(record("too many"))
    assert recorder.dropped == 1
    assert one.span is not None
    one.span.tokens = 50
    await leaves(recorder, one)
    one.span.tokens = 60
    assert [line["engine_tokens"] for line in told(recorder)] == [50]


async def test_a_generation_that_ends_after_the_recording_is_forgotten_with_it() -> None:
    recorder, one = Recorder(), record("left", generating=True)
    recorder.start(1)
    recorder.finished(one)
    assert len(told(recorder)) == 1
    recorder.stop()
    recorder.start(1)
    await leaves(recorder, one)
    assert recorder.kept == []


def test_gauges_follow_the_hooks() -> None:
    recorder = Recorder()
    recorder.waiting(+1)
    recorder.waiting(+1)
    recorder.waiting(-1)
    recorder.running(+1)
    recorder.batch_done(Batch(1, 7, 0.0, 0), 1.0)
    assert (recorder.waiting_now, recorder.running_now, recorder.batch_size) == (1, 1, 7)


def test_a_row_has_nanoseconds_and_no_text_of_anybody() -> None:
    one = record(
        user="me",
        caller="key",
        source="c0",
        queued=1.25,
        admitted=1.5,
        held_s=0.125,
        answered=2.0000000019,
        usage=Usage(3, 4),
        span=EngineSpan(1.5, 1.6, 1.7, 1.8, 3, 4, 0),
    )
    told = row(one)
    assert {name: told[name] for name in ("t_arrived", "t_queued", "t_admitted", "held_ns", "t_answered")} == {
        "t_arrived": 1_000_000_000,
        "t_queued": 1_250_000_000,
        "t_admitted": 1_500_000_000,
        "held_ns": 125_000_000,
        "t_answered": 2_000_000_002,
    }
    assert (told["t_scheduled"], told["t_last_token"], told["engine_tokens"]) == (1_600_000_000, 1_800_000_000, 4)
    assert (told["prompt_tokens"], told["completion_tokens"], told["source_id"]) == (3, 4, "c0")
    assert not {"me", "key"} & set(map(str, told.values()))


def test_what_did_not_happen_is_null() -> None:
    one = row(Record("r", "/v1/chat/completions", "POST", 1.0))
    assert [name for name, value in one.items() if value is not None] == [
        "request_id",
        "call_id",
        "source_id",
        "endpoint",
        "stream",
        "status",
        "t_arrived",
        "held_ns",
    ]
