import asyncio
import json
from typing import Any

import pytest

from tests.calls import call_of, chat
from tests.components import build
from vgate import sse
from vgate.engine.base import Engine
from vgate.errors import BadRequest
from vgate.types import Call

# A prompt of one word has two tokens: its role counts.
TIMING = {"prefill_tokens_per_s": 1000.0, "decode_step_ms": 10.0, "decode_step_per_seq_ms": 1.0, "max_num_seqs": 4}


async def started(**changes: Any) -> Engine:
    engine: Engine = build("engine", "dry_run", **(TIMING | changes))
    await engine.start()
    return engine


async def take(engine: Engine, call: Call) -> tuple[bytes, float]:
    """A whole answer, and how long it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = b"".join([event async for event in engine.run(await engine.prepare(call))])
    return answer, loop.time() - began


async def duration(engine: Engine, call: Call) -> float:
    return (await take(engine, call))[1]


async def body(call: Call, **changes: Any) -> Any:
    return json.loads((await take(await started(**changes), call))[0])


async def test_one_request_alone_takes_its_prefill_and_its_steps() -> None:
    assert await duration(await started(), chat("word " * 99, max_tokens=20)) == pytest.approx(0.1 + 20 * 0.010)


async def test_tokens_come_one_a_step() -> None:
    engine, loop = await started(), asyncio.get_running_loop()
    events = engine.run(await engine.prepare(chat(stream=True, max_tokens=5)))
    times = [loop.time() async for event in events if b'"content":"' in event and b'"role"' not in event]
    assert times == pytest.approx([0.012, 0.022, 0.032, 0.042, 0.052])


async def test_load_raises_the_time_per_token_but_not_in_proportion() -> None:
    """Four together: steps of 10 + 3 x 1 ms, a quarter more than alone, for four times the tokens."""
    engine = await started()
    took = await asyncio.gather(*(duration(engine, chat(max_tokens=50)) for _ in range(4)))
    assert took == pytest.approx([0.008 + 50 * 0.013] * 4)


async def test_the_batch_is_bounded_and_others_wait_in_order() -> None:
    engine = await started(decode_step_per_seq_ms=0.0)
    took = await asyncio.gather(*(duration(engine, chat(max_tokens=10)) for _ in range(10)))
    assert took == pytest.approx([0.108] * 4 + [0.216] * 4 + [0.320] * 2)


async def test_a_newcomers_prefill_delays_those_that_run() -> None:
    engine = await started(decode_step_per_seq_ms=0.0)
    running = asyncio.create_task(duration(engine, chat(max_tokens=10)))
    await asyncio.sleep(0.05)
    await duration(engine, chat("word " * 199, max_tokens=1))
    assert await running == pytest.approx(0.002 + 10 * 0.010 + 0.2)


async def test_n_choices_are_n_sequences() -> None:
    assert await duration(await started(), chat(n=4, max_tokens=10)) == pytest.approx(0.008 + 10 * 0.013)


async def test_usage_counts_are_true() -> None:
    answer = await body(chat("one two three", max_tokens=6, n=2))
    assert answer["usage"] == {"prompt_tokens": 4, "completion_tokens": 12, "total_tokens": 16}
    assert [len(choice["message"]["content"].split()) for choice in answer["choices"]] == [6, 6]


async def test_choices_differ_from_each_other() -> None:
    texts = [choice["message"]["content"] for choice in (await body(chat(n=5)))["choices"]]
    assert len(set(texts)) == 5


@pytest.mark.parametrize(
    "other",
    [
        chat("Hello"),
        chat("hello", seed=1),
        chat("hello", temperature=0.5),
        chat("hello", top_p=0.5),
        call_of({"messages": [{"role": "system", "content": "hello"}], "temperature": 0}, "chat"),
        call_of({"messages": [{"role": "user", "name": "ann", "content": "hello"}], "temperature": 0}, "chat"),
    ],
)
async def test_what_is_asked_decides_what_is_said(other: Call) -> None:
    said = [(await body(call))["choices"][0]["message"]["content"] for call in (chat("hello"), chat("hello"), other)]
    assert said[0] == said[1] != said[2]


async def test_asking_for_less_gives_a_beginning_of_the_same() -> None:
    long, short = [(await body(chat(max_tokens=tokens)))["choices"][0] for tokens in (50, 20)]
    assert long["message"]["content"].startswith(short["message"]["content"])


@pytest.mark.parametrize("as_list", [True, False])
async def test_stop_ends_the_text_before_it(as_list: bool) -> None:
    whole = (await body(chat(max_tokens=30)))["choices"][0]["message"]["content"]
    stop = whole.split()[10]
    answer = await body(chat(max_tokens=30, stop=["\n", stop] if as_list else stop))
    choice = answer["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (whole[: whole.index(stop)], "stop")
    assert answer["usage"]["completion_tokens"] < 30


@pytest.mark.parametrize(
    ("fields", "tokens"), [({}, 128), ({"max_tokens": 5}, 5), ({"max_tokens": 9, "max_completion_tokens": 5}, 5)]
)
async def test_how_many_tokens(fields: dict[str, Any], tokens: int) -> None:
    assert (await body(chat(**fields)))["usage"]["completion_tokens"] == tokens


async def test_without_a_wish_the_answer_ends_where_the_context_does() -> None:
    assert (await body(chat("word " * 499)))["usage"]["total_tokens"] == 512


@pytest.mark.parametrize("field", ["tools", "response_format", "logprobs", "logit_bias", "top_k", "presence_penalty"])
async def test_fields_that_need_a_model_are_refused_and_not_ignored(field: str) -> None:
    with pytest.raises(BadRequest, match="no model") as caught:
        await (await started()).prepare(chat(**{field: 1}))
    assert caught.value.param == field


@pytest.mark.parametrize("prompt", ["hello", ["hello"], [1, 2, 3]])
async def test_completions_take_text_or_tokens(prompt: Any) -> None:
    answer = await body(call_of({"prompt": prompt, "max_tokens": 3}, "completions"))
    assert len(answer["choices"][0]["text"].split()) == 3
    assert answer["usage"]["prompt_tokens"] == (3 if prompt == [1, 2, 3] else 1)


async def test_several_prompts_are_refused() -> None:
    with pytest.raises(BadRequest, match="several prompts"):
        await (await started()).prepare(call_of({"prompt": ["a", "b"]}, "completions"))


async def test_one_that_leaves_makes_room_at_the_next_step() -> None:
    engine = await started(max_num_seqs=1)
    stream = engine.run(await engine.prepare(chat(stream=True, max_tokens=400)))
    waiting = asyncio.create_task(duration(engine, chat(max_tokens=1)))
    await anext(stream)
    await stream.aclose()
    assert await waiting == pytest.approx(0.012 + 0.010 + 0.012)


async def test_stopping_ends_the_steps() -> None:
    engine = await started()
    stream = engine.run(await engine.prepare(chat(stream=True, max_tokens=400)))
    assert b"role" in await anext(stream)
    await engine.stop()
    await stream.aclose()
    assert not engine.ready


async def test_the_stream_ends_with_usage_and_done() -> None:
    engine = await started()
    events = [event async for event in engine.run(await engine.prepare(chat(stream=True, max_tokens=2)))]
    assert events[-1] == sse.DONE
    assert sse.decode(events[-2])["usage"]["completion_tokens"] == 2
