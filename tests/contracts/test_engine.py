"""What holds of every engine that needs no model. vLLM's own tests are in `tests/engine`.

Behind `upstream` is a real server on the dry-run engine, so its tests run in real time. It leaves it to its worker to
check a call, and does not know what its worker does when.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.calls import call_of, chat
from tests.components import build, options
from tests.ray_stand import RayStand
from tests.servers import Server, running
from vgate import sse
from vgate.config import tree
from vgate.engine.base import Engine
from vgate.errors import ApiError
from vgate.types import Call, Occupancy

NEED_A_MODEL = {"vllm"}
WITHOUT_MODEL = sorted(set(options("engine")) - NEED_A_MODEL)
# All others answer calls. What answers for `ray` is the code of `upstream`: its life alone is its own, here with a
# stand-in for Ray, of which each start takes 10 s; with Ray: tests/engine/test_ray_live.py.
REFUSING = {"none", "ray"}
GENERATING = sorted(set(WITHOUT_MODEL) - REFUSING)
# Theirs is what they tell of others.
REMOTE = {"upstream", "ray"}
LOCAL = sorted(set(GENERATING) - REMOTE)


def timed(names: list[str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.real_time) if name in REMOTE else name for name in names]


@pytest.fixture(scope="module")
def worker() -> Iterator[Server]:
    named = ("model.served_model_name=test", "model.max_model_len=512")
    with running("engine=dry_run", "engine.decode_step_ms=2", "cache=none", *named) as server:
        yield server


def made(request: pytest.FixtureRequest) -> Any:
    if request.param not in REMOTE:
        return build("engine", request.param)
    url = request.getfixturevalue("worker").base_url
    request.getfixturevalue("monkeypatch").setattr("vgate.engine.ray.RayProcess", lambda *_: RayStand(url))
    ray = {"ray": tree.option_text("ray", "default"), "replica": {}} if request.param == "ray" else {}
    wired = {"routing": build("routing", "least_loaded"), **ray}
    return build("engine", request.param, workers=[{"url": url}], wired=wired)


@pytest.fixture(params=timed(WITHOUT_MODEL))
def any_engine(request: pytest.FixtureRequest) -> Any:
    return made(request)


@pytest.fixture(params=timed(GENERATING))
def engine(request: pytest.FixtureRequest) -> Any:
    return made(request)


@pytest.fixture(params=LOCAL)
def local_engine(request: pytest.FixtureRequest) -> Any:
    return made(request)


async def answered(engine: Engine, call: Call) -> bytes:
    return b"".join([event async for event in engine.run(await engine.prepare(call))])


async def chunks(engine: Engine, call: Call) -> list[Any]:
    events = [event async for event in engine.run(await engine.prepare(call))]
    assert events[-1] == sse.DONE
    return [sse.decode(event) for event in events[:-1]]


async def test_it_is_ready_from_start_to_stop(any_engine: Engine) -> None:
    assert not any_engine.ready
    await any_engine.start()
    assert any_engine.ready
    await any_engine.stop()
    assert not any_engine.ready


async def test_it_may_be_stopped_at_any_time_also_twice(any_engine: Engine) -> None:
    await any_engine.stop()
    await any_engine.start()
    await any_engine.stop()
    await any_engine.stop()


async def test_it_says_what_it_serves(engine: Engine) -> None:
    await engine.start()
    assert [model["id"] for model in engine.models()] == ["test"]
    assert all(model["object"] == "model" for model in engine.models())
    assert "temperature" in engine.sampling_defaults


@pytest.mark.parametrize("option", LOCAL)
def test_C20_the_fingerprint_is_that_of_the_model(option: str) -> None:
    models = [{"model_id": name, "served_model_name": None, "max_model_len": 512} for name in ("a", "a", "b")]
    one, same, other = [build("engine", option, model=model).fingerprint for model in models]
    assert one == same != other


async def test_C14_a_stream_has_roles_content_one_finish_for_each_choice_usage_and_done(engine: Engine) -> None:
    await engine.start()
    call = chat(stream=True, n=2, max_tokens=4)
    *spoken, last = await chunks(engine, call)
    assert last["choices"] == []
    assert last["usage"] == {"prompt_tokens": 2, "completion_tokens": 8, "total_tokens": 10}
    assert {chunk["id"] for chunk in [*spoken, last]} == {f"chatcmpl-{call.id}"}
    for index in (0, 1):
        mine = [choice for chunk in spoken for choice in chunk["choices"] if choice["index"] == index]
        assert [choice["delta"].get("role") for choice in mine] == ["assistant"] + [None] * 4
        assert [choice["finish_reason"] for choice in mine] == [None] * 4 + ["length"]


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("chat", {"messages": [{"role": "user", "content": "hello"}]}),
        ("completions", {"prompt": "hello"}),
    ],
)
async def test_streamed_and_whole_say_the_same(engine: Engine, endpoint: Any, body: dict[str, Any]) -> None:
    await engine.start()
    fields = {**body, "max_tokens": 7, "n": 2, "seed": 3}
    whole = json.loads(await answered(engine, call_of(fields, endpoint)))
    streamed = await chunks(engine, call_of({**fields, "stream": True}, endpoint))
    for choice in whole["choices"]:
        mine = [c for chunk in streamed for c in chunk["choices"] if c["index"] == choice["index"]]
        parts = [c["delta"].get("content", "") if endpoint == "chat" else c["text"] for c in mine]
        assert "".join(parts) == (choice["message"]["content"] if endpoint == "chat" else choice["text"])
        assert mine[-1]["finish_reason"] == choice["finish_reason"]
    assert streamed[-1]["usage"] == whole["usage"]


async def test_answers_carry_the_calls_id(engine: Engine) -> None:
    await engine.start()
    for call, prefix in ((chat(), "chatcmpl"), (call_of({"prompt": "hi"}, "completions"), "cmpl")):
        assert json.loads(await answered(engine, call))["id"] == f"{prefix}-{call.id}"


BAD: dict[str, tuple[Any, dict[str, Any], str | None]] = {
    "unknown field": ("chat", {"temperatura": 0}, "temperatura"),
    "no messages": ("chat", {"messages": None}, "messages"),
    "empty messages": ("chat", {"messages": []}, "messages"),
    "messages of the wrong type": ("chat", {"messages": "hi"}, "messages"),
    "no such role": ("chat", {"messages": [{"role": "robot", "content": "hi"}]}, "messages"),
    "unknown model": ("chat", {"model": "no-such"}, "model"),
    "n=0": ("chat", {"n": 0}, "n"),
    "negative max_tokens": ("chat", {"max_tokens": -1}, "max_tokens"),
    "text for a number": ("chat", {"max_tokens": "5"}, "max_tokens"),
    "temperature too high": ("chat", {"temperature": 3}, "temperature"),
    "empty stop": ("chat", {"stop": ""}, "stop"),
    "prompt too long": ("chat", {"messages": [{"role": "user", "content": "word " * 600}]}, "messages"),
    "more tokens than there is room": ("chat", {"max_tokens": 600}, "messages"),
    "stream_options without a stream": ("chat", {"stream_options": {"include_usage": True}}, "stream_options"),
    "no prompt": ("completions", {}, "prompt"),
}


@pytest.mark.parametrize(("endpoint", "fields", "param"), BAD.values(), ids=BAD)
async def test_a_bad_request_is_refused_before_its_first_byte_with_the_field_named(
    engine: Engine, endpoint: Any, fields: dict[str, Any], param: str | None
) -> None:
    await engine.start()
    usual = {"messages": [{"role": "user", "content": "hi"}]} if endpoint == "chat" else {}
    body = {name: value for name, value in {**usual, **fields}.items() if value is not None}
    call = call_of(body, endpoint)
    with pytest.raises(ApiError) as caught:
        await (answered(engine, call) if engine.checks_elsewhere else engine.prepare(call))
    assert 400 <= caught.value.status < 500
    assert caught.value.param == param
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("stream", [True, False])
async def test_what_it_tells_of_a_call_is_in_order_and_counts_each_choice(local_engine: Engine, stream: bool) -> None:
    engine = local_engine
    await engine.start()
    job = await engine.prepare(chat(stream=stream, n=2, max_tokens=5))
    begin = asyncio.get_running_loop().time()
    async for _ in engine.run(job):
        pass
    span = job.span
    stamps = [begin, span.queued, span.scheduled, span.first_token, span.last_token, asyncio.get_running_loop().time()]
    assert None not in stamps
    assert stamps == sorted(stamps, key=lambda stamp: stamp or 0)
    assert (span.prompt_tokens, span.tokens) == (2 * job.prompt_tokens, 10)


async def test_what_it_tells_of_an_abandoned_call_goes_as_far_as_it_came(engine: Engine) -> None:
    await engine.start()
    job = await engine.prepare(chat(stream=True, max_tokens=100))
    events = engine.run(job)
    for _ in range(11):  # the role, and ten tokens
        await anext(events)
    assert engine.occupancy.running == 1
    await events.aclose()
    assert job.span.tokens == 10
    await asyncio.sleep(1)
    assert engine.occupancy.running == 0
    assert not engine.occupancy.waiting


async def test_before_it_starts_it_tells_nothing_of_what_is_in_it(any_engine: Engine) -> None:
    assert any_engine.occupancy == Occupancy()


async def test_preparing_changes_nothing_and_runs_nothing(local_engine: Engine) -> None:
    engine = local_engine
    await engine.start()
    call = chat("hello", n=2, stream=True, stop=["x"])
    before = json.dumps(call.body)
    job = await engine.prepare(call)
    assert (json.dumps(call.body), job.call, job.prompt_tokens) == (before, call, 2)
    assert asyncio.get_running_loop().time() == 0.0


async def test_D2_the_same_seed_says_the_same_and_another_seed_something_else(engine: Engine) -> None:
    await engine.start()

    async def said(seed: int) -> str:
        return str(json.loads(await answered(engine, chat(seed=seed, temperature=1.0)))["choices"])

    assert await said(1) == await said(1) != await said(2)


@pytest.mark.parametrize("stream", [True, False])
async def test_S2_closing_an_answer_frees_the_engine(engine: Engine, stream: bool) -> None:
    """A hundred abandoned answers cost the next one nothing."""
    await engine.start()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await answered(engine, chat(max_tokens=5))
    alone = loop.time() - begun
    tasks = [asyncio.create_task(answered(engine, chat(stream=stream, max_tokens=400))) for _ in range(100)]
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    began = loop.time()
    await answered(engine, chat(max_tokens=5))
    # In real time there is more on the machine; it would be 20 s.
    assert loop.time() - began < alone + (1.0 if engine.checks_elsewhere else 0.1)
