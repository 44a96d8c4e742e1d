"""The whole request path with every option of batch, cache and dedup, streamed and whole."""

import asyncio
import itertools
import random
from typing import Any

import orjson
import pytest

from tests.calls import Asked, ask, ask_all, call_of, chat
from tests.gateways import COMBINATIONS, Heard, dry_run, gateway
from tests.scripted import Scripted, answer
from vgate.errors import BadRequest

every_combination = pytest.mark.parametrize("combination", COMBINATIONS, ids="-".join)
streamed_and_whole = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


def check_stream(asked: Asked, choices: int, *, usage: bool) -> None:
    """C14: for each choice the role first and one finish at its end; usage only if asked for; `[DONE]` once, last."""
    assert asked.data.endswith(b"data: [DONE]\n\n")
    assert asked.data.count(b"[DONE]") == 1
    assert {chunk["id"] for chunk in asked.chunks} == {f"chatcmpl-{asked.call.id}"}
    body = asked.chunks[:-1] if usage else asked.chunks
    if usage:
        assert asked.chunks[-1]["choices"] == []
        assert asked.chunks[-1]["usage"]["completion_tokens"] > 0
    for index in range(choices):
        mine = [choice for chunk in body for choice in chunk["choices"] if choice["index"] == index]
        assert ["role" in choice["delta"] for choice in mine] == [True] + [False] * (len(mine) - 1)
        assert [choice["finish_reason"] is not None for choice in mine] == [False] * (len(mine) - 1) + [True]


def check_whole(asked: Asked, choices: int) -> None:
    body = orjson.loads(asked.data)
    assert body["id"] == f"chatcmpl-{asked.call.id}"
    assert [choice["index"] for choice in body["choices"]] == list(range(choices))
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]


@every_combination
@pytest.mark.parametrize("usage", [True, False], ids=["usage", "no-usage"])
@pytest.mark.parametrize("n", [1, 3])
async def test_C14_a_stream_is_well_formed_each_time_it_is_asked_for(
    combination: tuple[str, str, str], usage: bool, n: int
) -> None:
    entry = gateway(await dry_run(), *combination)
    fields: dict[str, Any] = {"n": n, "max_tokens": 5, "stream": True}
    if usage:
        fields["stream_options"] = {"include_usage": True}
    for _ in range(3):
        check_stream(await ask(entry, chat("hi", **fields)), n, usage=usage)


@every_combination
@pytest.mark.parametrize("n", [1, 3])
async def test_a_whole_answer_is_well_formed_each_time_it_is_asked_for(
    combination: tuple[str, str, str], n: int
) -> None:
    entry = gateway(await dry_run(), *combination)
    for _ in range(3):
        check_whole(await ask(entry, chat("hi", n=n, max_tokens=5)), n)


@every_combination
@streamed_and_whole
async def test_C12_D10_the_same_request_has_the_same_answer_but_for_its_id(
    combination: tuple[str, str, str], stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once and again: generated, joined or from the cache, everything else is the same to the byte."""
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)  # `created`
    entry = gateway(await dry_run(), *combination)
    calls = [chat("same", stream=stream, max_tokens=8, n=2) for _ in range(6)]
    answers = [*await ask_all(entry, calls[:3]), await ask(entry, calls[3]), await ask(entry, calls[4])]
    assert len({one.anonymous for one in answers}) == 1
    assert len({one.record.usage for one in answers}) == 1
    ids = [call.id.encode() for call in calls]
    assert all([i for i in ids if i in one.data] == [one.call.id.encode()] for one in answers)


@every_combination
async def test_C13_streamed_and_whole_say_the_same(combination: tuple[str, str, str]) -> None:
    entry = gateway(await dry_run(), *combination)
    for _ in range(2):
        stream, whole = await ask_all(entry, [chat("same", stream=stream, max_tokens=9) for stream in (True, False)])
        assert stream.text == whole.text
        assert len(whole.text.split()) == 9


@every_combination
@streamed_and_whole
async def test_B5_every_caller_gets_its_own_answer_under_random_completion_order(
    combination: tuple[str, str, str], stream: bool
) -> None:
    """300 requests with 60 different tags, arriving and ending at random, some of them leaving: 12 x 2 such runs."""
    order = random.Random(5)
    engine = Scripted(lambda call: answer(call, order.randint(1, 9), order.uniform(0, 1), order.uniform(0, 0.2)))
    entry = gateway(engine, *combination, maxsize=20)

    async def one(number: int) -> None:
        await asyncio.sleep(order.uniform(0, 3))
        call = chat(f"tag-{number % 60}", stream=stream)
        task = asyncio.create_task(ask(entry, call))
        if number % 10 == 0:
            asyncio.get_running_loop().call_later(order.uniform(0, 2), task.cancel)
        asked = (await asyncio.gather(task, return_exceptions=True))[0]
        if isinstance(asked, Asked):
            assert asked.text.split()[0] == f"tag-{number % 60}"
            assert asked.anonymous.count(b"chatcmpl-ID") >= 1
        else:
            assert isinstance(asked, asyncio.CancelledError)

    await asyncio.gather(*(one(number) for number in range(300)))
    assert engine.running == 0


@every_combination
@streamed_and_whole
async def test_B4_one_bad_prompt_fails_alone(combination: tuple[str, str, str], stream: bool) -> None:
    entry = gateway(Scripted(), *combination)
    calls = [chat(f"{number}", stream=stream, **({"bad": 1} if number == 3 else {})) for number in range(8)]
    results = await asyncio.gather(*(ask(entry, call) for call in calls), return_exceptions=True)
    assert [type(result) for result in results] == [Asked] * 3 + [BadRequest] + [Asked] * 4


@every_combination
async def test_B3_different_parameters_in_one_batch_are_each_honoured(combination: tuple[str, str, str]) -> None:
    entry = gateway(await dry_run(), *combination)
    answers = await ask_all(entry, [chat("same", max_tokens=tokens) for tokens in range(1, 9)])
    assert [one.record.usage.completion_tokens for one in answers if one.record.usage] == list(range(1, 9))


@every_combination
async def test_completions_take_the_same_path(
    combination: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    entry = gateway(await dry_run(), *combination)
    body = {"model": "test", "prompt": "hello", "seed": 1}
    first, again = [await ask(entry, call_of(body, "completions")) for _ in range(2)]
    assert first.record.batch_id == 1
    assert again.record.cache == ("hit" if combination[1] != "none" else "bypass(disabled)")
    assert first.data.replace(first.call.id.encode(), b"") == again.data.replace(again.call.id.encode(), b"")


@every_combination
@streamed_and_whole
async def test_records_and_batches_tell_the_same_story(combination: tuple[str, str, str], stream: bool) -> None:
    heard = Heard()
    entry = gateway(await dry_run(), *combination, heard)
    calls = [chat(f"{number}", stream=stream, max_tokens=4) for number in itertools.chain(range(10), range(5))]
    records = [one.record for one in await ask_all(entry, calls)]
    generated = [record for record in records if record.generated]
    batches = {batch.id: batch for batch, _ in heard.batches}
    assert {record.batch_id for record in generated} == set(batches)
    assert sum(batch.size for batch in batches.values()) == len(generated)
    assert sum(batch.tokens for batch in batches.values()) == 4 * len(generated)
    for record in generated:
        assert record.batch_size == batches[record.batch_id or 0].size
        assert record.arrived <= (record.admitted or 0.0) == batches[record.batch_id or 0].dispatched
