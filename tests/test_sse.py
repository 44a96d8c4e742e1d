"""Reading an engine's events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from vgate import sse
from vgate.errors import ApiError
from vgate.types import Event, Usage

ROLE = sse.encode({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
USAGE = sse.encode({"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 7}})


def delta(index: int = 0, **fields: Any) -> bytes:
    return sse.encode({"id": "chatcmpl-1", "choices": [{"index": index, "delta": fields, "finish_reason": None}]})


def text(said: str) -> bytes:
    return sse.encode({"id": "cmpl-1", "choices": [{"index": 0, "text": said}]})


FINISH = sse.encode({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
TAIL = (FINISH, USAGE, sse.DONE)


async def raw(*events: bytes) -> AsyncIterator[bytes]:
    for event in events:
        await asyncio.sleep(0)
        yield event


async def read(*events: bytes, wants_usage: bool = False, into: list[Event] | None = None) -> list[Event]:
    got = [] if into is None else into
    async for event in sse.metered(raw(*events), stream=True):
        if wants_usage or not event.counts:
            got.append(event)
    return got


async def test_S13_every_chunk_but_the_usage_passes_byte_for_byte() -> None:
    odd = b'data: {"x_new":  [1, {"y":null}],"choices":[{"delta":{"content":"a\\u00e9\\n"},"z":1}] }\n\n'
    events = (ROLE, odd, delta(content="b"), *TAIL)
    assert [event.data for event in await read(*events)] == [ROLE, odd, events[2], FINISH, sse.DONE]


async def test_S8_the_usage_chunk_comes_after_the_finish_and_before_done_if_asked_for() -> None:
    assert [event.data for event in await read(ROLE, *TAIL, wants_usage=True)] == [ROLE, FINISH, USAGE, sse.DONE]


@pytest.mark.parametrize("wants_usage", [False, True])
async def test_S8_the_last_event_knows_the_usage_whether_asked_for_or_not(wants_usage: bool) -> None:
    events = await read(ROLE, delta(content="a"), *TAIL, wants_usage=wants_usage)
    assert [event.usage for event in events if event.usage] == [Usage(3, 7)]
    assert events[-1].usage == Usage(3, 7)


async def test_text_that_looks_like_a_usage_chunk_is_text() -> None:
    tricky = delta(content='"choices":[] data: {"error" data: [DONE]')
    events = await read(ROLE, tricky, *TAIL)
    assert events[1] == Event(tricky, content=True)
    assert events[-1].usage == Usage(3, 7)


@pytest.mark.parametrize(
    "speaking",
    [
        delta(content="a"),
        delta(content=" "),
        delta(role="assistant", content="a"),
        delta(reasoning="hm"),
        delta(reasoning_content="hm"),
        delta(tool_calls=[{"index": 0, "function": {"name": "look"}}]),
        delta(refusal="no"),
        text("a"),
    ],
)
async def test_S11_the_first_content_is_the_first_thing_said(speaking: bytes) -> None:
    events = await read(ROLE, speaking, *TAIL)
    assert [event.content for event in events[:2]] == [False, True]


@pytest.mark.parametrize(
    "silent",
    [
        ROLE,
        delta(),
        delta(content=None),
        delta(tool_calls=[]),
        delta(tool_calls=None, content=""),
        text(""),
        sse.encode({"choices": [{"index": 0, "delta": None}]}),
        sse.encode({"id": "1", "choices": [{"index": 0}], "prompt_token_ids": [1]}),
        sse.encode({"id": "1"}),
    ],
)
async def test_S11_a_role_and_other_empty_chunks_say_nothing(silent: bytes) -> None:
    assert not (await read(silent, delta(content="a"), *TAIL))[0].content


async def test_S11_another_choice_may_be_the_first_to_speak() -> None:
    both = sse.encode({"choices": [{"index": 0, "delta": {}}, {"index": 1, "delta": {"content": "a"}}]})
    assert [event.content for event in (await read(ROLE, both, *TAIL))[:2]] == [False, True]


async def test_done_itself_is_not_content() -> None:
    assert not (await read(ROLE, delta(content="a"), *TAIL))[-1].content


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"message": "no", "type": "BadRequestError", "param": "n", "code": 400}, 400, "invalid_request_error"),
        ({"message": "no", "code": 503}, 503, "server_error"),
        ({"message": "no", "code": None}, 500, "server_error"),
        ({"message": "no", "code": "odd"}, 500, "server_error"),
        ({"message": "no", "code": 200}, 500, "server_error"),
        ({"message": "no"}, 500, "server_error"),
    ],
)
async def test_S6_an_error_event_is_raised_with_its_own_status(error: dict[str, Any], status: int, kind: str) -> None:
    with pytest.raises(ApiError) as caught:
        await read(ROLE, delta(content="a"), sse.encode({"error": error}), sse.DONE)
    assert (caught.value.status, caught.value.kind, caught.value.message) == (status, kind, "no")
    assert caught.value.param == error.get("param")


@pytest.mark.parametrize("length", range(5))
async def test_S6_C9_a_stream_without_done_is_broken_wherever_it_ends(length: int) -> None:
    events = (ROLE, delta(content="a"), *TAIL)[:length]
    got: list[Event] = []
    with pytest.raises(ApiError) as caught:
        await read(*events, into=got)
    assert (caught.value.status, caught.value.code) == (502, "stream_broken")
    assert len(got) == min(length, 3)


async def test_a_stream_whose_engine_did_not_count_has_a_usage_of_nothing() -> None:
    assert (await read(ROLE, FINISH, sse.DONE))[-1].usage == Usage(0, 0)


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 7}, Usage(3, 7)),
        ({"prompt_tokens": 3}, Usage(3, 0)),
        ({"prompt_tokens": 3, "completion_tokens": None}, Usage(3, 0)),
        (None, Usage(0, 0)),
    ],
)
async def test_a_whole_answer_is_one_event_with_its_usage(usage: Any, wanted: Usage) -> None:
    body = orjson.dumps({"id": "1", "choices": [], "usage": usage})
    got = [event async for event in sse.metered(raw(body), stream=False)]
    assert got == [Event(body, content=True, usage=wanted)]


def test_D10_an_answer_given_to_another_call_has_that_calls_id_everywhere() -> None:
    event = Event(b'{"id":"chatcmpl-aa","choices":[{"tool":"chatcmpl-aa"}]}', content=True, usage=Usage(1, 2))
    assert sse.readdressed(event, b"aa", b"bb") == event._replace(data=event.data.replace(b"aa", b"bb"))


@pytest.mark.parametrize("body", [{"a": "ü\n\n\r\u2028"}, {"a": "data: [DONE]"}, [], None])
def test_what_is_encoded_is_one_event_and_comes_back(body: Any) -> None:
    event = sse.encode(body)
    assert (event.count(b"\n"), event[-2:]) == (2, b"\n\n")
    assert sse.decode(event) == body
