"""Streamed and whole answers made from one another, and which requests share both."""

import asyncio
from typing import Any

import orjson
import pytest

from tests.calls import Asked, ask, call_of, chat
from tests.gateways import dry_run, gateway
from vgate import forms, sse
from vgate.cache.key import Sharing
from vgate.dedup.base import Events
from vgate.engine.dry_answers import SHAPES
from vgate.types import Call, Endpoint, Event, Usage

CHATS: dict[str, dict[str, Any]] = {
    "plain": {},
    "one token": {"max_tokens": 1},
    "several choices": {"n": 3, "max_tokens": 7},
    "stopped": {"stop": ["e"]},
    "stopped at once": {"stop": ["a", "o", "e", "t", "s", "i"]},
    "seeded": {"temperature": 1.0, "seed": 5},
    "long": {"max_tokens": 400},
}
KINDS: list[tuple[Endpoint, dict[str, Any]]] = [
    *(("chat", {"messages": [{"role": "user", "content": "héé 你好 🙂"}], **fields}) for fields in CHATS.values()),
    *(("completions", {"prompt": "héé 你好 🙂", **fields}) for fields in CHATS.values()),
]
every_kind = pytest.mark.parametrize(
    ("endpoint", "fields"), KINDS, ids=[f"{endpoint}-{name}" for endpoint in ("chat", "completions") for name in CHATS]
)


@pytest.fixture(autouse=True)
def _one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)  # `created`


def both(endpoint: Endpoint, fields: dict[str, Any]) -> tuple[Call, Call]:
    """A request for a stream with usage, and for the whole answer."""
    body = {"model": "test", "max_tokens": 20, "temperature": 0, **fields}
    streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
    return call_of(streamed, endpoint), call_of(body, endpoint)


def anonymous(asked: Asked) -> bytes:
    return asked.data.replace(asked.call.id.encode(), b"ID")


async def each(events: list[Event]) -> Any:
    for event in events:
        yield event


async def folded(events: Events, endpoint: Endpoint) -> bytes:
    [event] = [event async for event in forms.Folded(events, SHAPES[endpoint])]
    return event.data


@every_kind
async def test_C13_a_stream_folds_to_the_whole_answer_to_the_byte(endpoint: Endpoint, fields: dict[str, Any]) -> None:
    entry = gateway(await dry_run())
    stream, whole = [await ask(entry, call) for call in both(endpoint, fields)]
    made = await folded(each(stream.events), endpoint)
    assert made.replace(stream.call.id.encode(), b"ID") == anonymous(whole)


@every_kind
async def test_C14_a_whole_answer_unfolds_to_a_stream_that_says_the_same(
    endpoint: Endpoint, fields: dict[str, Any]
) -> None:
    whole = await ask(gateway(await dry_run()), both(endpoint, fields)[1])
    events = [event async for event in forms.unfolded(whole.events[0])]
    assert await folded(each(events), endpoint) == whole.data
    chunks = [sse.decode(event.data) for event in events[:-1]]
    choices = fields.get("n", 1)
    for index in range(choices):
        mine = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
        assert [choice["finish_reason"] is not None for choice in mine] == [False] * (len(mine) - 1) + [True]
        if endpoint == "chat":
            assert ["role" in choice["delta"] for choice in mine] == [True] + [False] * (len(mine) - 1)
    assert [event.counts for event in events[-2:]] == [True, False]
    assert (chunks[-1]["choices"], events[-1].data, events[-1].usage) == ([], sse.DONE, whole.events[0].usage)
    assert sum(event.content for event in events) == choices


@every_kind
@pytest.mark.parametrize("streamed_first", [True, False])
async def test_C12_C13_C14_what_one_form_stored_serves_the_other(
    endpoint: Endpoint, fields: dict[str, Any], streamed_first: bool
) -> None:
    """As if the other had been generated: to the byte where it is whole, folded to the same bytes where streamed."""
    entry = gateway(await dry_run(), cache="lru")
    stream, whole = both(endpoint, fields)
    first, again = (stream, whole) if streamed_first else (whole, stream)
    await ask(entry, first)
    hit = await ask(entry, again)
    alone = await ask(gateway(await dry_run()), Call("f" * 32, endpoint, again.body))
    assert hit.record.cache == "hit"
    assert hit.record.usage == alone.record.usage
    one, other = hit.data.replace(again.id.encode(), b"f" * 32), alone.data
    if again.stream:
        one, other = [
            await folded(each([Event(e + b"\n\n") for e in s.split(b"\n\n")[:-1]]), endpoint) for s in (one, other)
        ]
    assert one == other


async def test_S8_a_stored_stream_ends_with_usage_only_where_it_is_asked_for() -> None:
    entry = gateway(await dry_run(), cache="lru")
    verdicts = []
    for asks in (True, False, False, True):
        options = {"stream_options": {"include_usage": True}} if asks else {}
        answer = await ask(entry, chat("same", stream=True, **options))
        assert (b'"usage"' in answer.data) is asks
        verdicts.append(answer.record.cache)
    assert verdicts == ["miss", "hit", "hit", "hit"]


async def test_C12_logprobs_token_ids_and_reasons_are_put_together_and_taken_apart() -> None:
    """As vLLM sends them; the whole answer is what it gives for the same request."""
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}

    def chunk(text: str, at: int, reason: str | None = None, stop: object = None) -> Event:
        logprobs = {"text_offset": [at], "tokens": [text], "top_logprobs": [{text: -0.5}]}
        choice = {"index": 0, "text": text, "logprobs": logprobs, "finish_reason": reason, "stop_reason": stop}
        return Event(sse.encode({**head, "choices": [{**choice, "token_ids": [at]}]}), content=True)

    usage = {"prompt_tokens": 2, "completion_tokens": 2}
    events = [
        chunk("a", 0),
        chunk("b", 1, "stop", 7),
        Event(sse.encode({**head, "choices": [], "usage": usage, "system_fingerprint": "f"}), counts=True),
        Event(sse.DONE, usage=Usage(2, 2)),
    ]
    choice = dict.fromkeys(["index", "text", "logprobs", "finish_reason", "stop_reason", "token_ids", "other"])
    top = dict.fromkeys(["id", "object", "created", "model", "choices", "system_fingerprint", "usage", "metrics"])
    shape = forms.Shape(top, choice, {}, {"prompt_tokens": 0, "total_tokens": None})
    [whole] = [event async for event in forms.Folded(each(events), shape)]
    logprobs = {"text_offset": [0, 1], "tokens": ["a", "b"], "top_logprobs": [{"a": -0.5}, {"b": -0.5}]}
    made = orjson.loads(whole.data)
    assert made["choices"] == [
        {"index": 0, "text": "ab", "logprobs": logprobs, "finish_reason": "stop", "stop_reason": 7, "token_ids": [0, 1]}
        | {"other": None}
    ]
    assert list(made) == list(top)
    assert (made["usage"], made["system_fingerprint"]) == ({"total_tokens": None, **usage}, "f")
    apart = [event async for event in forms.unfolded(whole)]
    assert [event.data async for event in forms.Folded(each(apart), shape)] == [whole.data]


async def test_B12_a_long_stored_stream_is_folded_a_piece_at_a_time() -> None:
    """Others have their turn meanwhile."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    said = sse.encode({"object": "text_completion", "choices": [{"index": 0, "text": "a"}], "usage": {}})
    await folded(each([Event(said)] * 5000 + [Event(sse.DONE, usage=Usage(1, 1))]), "completions")
    counting.cancel()
    assert turns >= 5000 // 256 - 1


BODY: dict[str, Any] = {"messages": [], "temperature": 0}
SHARED: list[dict[str, Any]] = [
    {},
    {"stream": False},
    {"stream": None},
    {"stream": True},
    {"stream": True, "stream_options": None},
    {"stream": True, "stream_options": {}},
    {"stream": True, "stream_options": {"include_usage": False}},
    {"stream": True, "stream_options": {"include_usage": True}},
]
APART: list[dict[str, Any]] = [
    {"stream_options": {"include_usage": True}},
    {"stream": False, "stream_options": {}},
    {"stream": True, "stream_options": {"include_usage": "yes"}},
    {"stream": True, "stream_options": {"include_usage": None}},
    {"stream": True, "stream_options": {"include_usage": True, "continuous_usage_stats": True}},
    {"stream": True, "stream_options": {"continuous_usage_stats": True}},
    {"stream": True, "stream_options": {"include_usage": True, "unheard_of": 1}},
    {"stream": True, "stream_options": []},
]


def key(fields: dict[str, Any], endpoint: Endpoint = "chat") -> bytes:
    return Sharing("key", sampled=False).key(call_of({**BODY, **fields}, endpoint), "model")


def test_C13_only_what_chooses_the_form_is_left_out_of_the_key() -> None:
    assert len({key(fields) for fields in SHARED}) == 1


def test_C13_what_would_be_refused_or_says_more_has_a_key_of_its_own() -> None:
    assert len({key(fields) for fields in [{}, *APART]}) == len(APART) + 1


@pytest.mark.parametrize("field", ["tools", "tool_choice", "echo", "prompt_logprobs", "extra", "include_reasoning"])
def test_C13_with_these_fields_streamed_and_whole_are_two_requests(field: str) -> None:
    assert len({key({**form, field: 1}) for form in ({}, {"stream": False}, {"stream": True})}) == 3


def test_embeddings_have_one_form() -> None:
    assert forms.formless(call_of({"input": "a"}, "embeddings")) is None
