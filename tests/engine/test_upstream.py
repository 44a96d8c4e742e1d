"""The engine that passes calls to other servers: what goes out, and what comes back."""

import asyncio
from itertools import count
from typing import Any

import orjson
import pytest

from tests.calls import ask, call_of, chat
from tests.components import build
from tests.gateways import gateway
from tests.upstream.wires import BROKEN, END, HEAD, Request, Script, Server, answer, error, events, part, streamed
from vgate.engine.upstream import UpstreamEngine
from vgate.errors import ApiError
from vgate.types import Call, Occupancy
from vgate.upstream.connections import dialled

EACH = {"include_usage": True, "continuous_usage_stats": True}
MODEL = {"id": "test", "object": "model", "created": 1, "owned_by": "vllm"}
WHOLE = {
    "id": "chatcmpl-theirs",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}


def worker(say: Any) -> Server:
    """A vLLM that answers requests by `say(request)`."""

    def script(request: Request) -> Script:
        path = request.line.split(" ")[1]
        if path == "/v1/models":
            return [(0.0, answer(orjson.dumps({"object": "list", "data": [MODEL]})))]
        if path == "/health":
            return [(0.0, answer(b""))]
        return say(request) if path.startswith("/v1/") else [(0.0, error("404 Not Found"))]

    return Server(script)


async def started(server: Server, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> UpstreamEngine:
    monkeypatch.setattr("vgate.upstream.client.dialled", server.dial)
    workers = [{"url": "http://w0:8000", "name": "w0", "key": "sk-worker"}]
    routing = build("routing", "round_robin")
    engine: UpstreamEngine = build("engine", "upstream", workers=workers, wired={"routing": routing}, **changes)
    engine._client._dial = server.dial
    await engine.start()
    return engine


async def answered(engine: UpstreamEngine, call: Call) -> bytes:
    return b"".join([event async for event in engine.run(await engine.prepare(call))])


def sent(server: Server) -> Request:
    (found,) = [request for request in server.requests if request.line.startswith("POST")]
    return found


async def test_a_whole_answer_passes_under_the_calls_id(monkeypatch: pytest.MonkeyPatch) -> None:
    server = worker(lambda _request: [(0.0, answer(orjson.dumps(WHOLE)))])
    engine = await started(server, monkeypatch)
    call = chat()
    assert await answered(engine, call) == orjson.dumps({**WHOLE, "id": f"chatcmpl-{call.id}"})
    await engine.stop()
    assert server.open == 0


async def test_S13_all_fields_pass_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    server = worker(lambda _request: [(0.0, answer(orjson.dumps(WHOLE)))])
    engine = await started(server, monkeypatch)
    call = chat(tools=[{"type": "function", "function": {"name": "f"}}], unheard_of={"a": [1, None, "ü"]}, top_k=3)
    await answered(engine, call)
    assert sent(server).json == call.body
    await engine.stop()


async def test_O6_the_workers_own_key_goes_out_with_the_calls_id_and_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    server = worker(lambda _request: [(0.0, answer(orjson.dumps(WHOLE)))])
    engine = await started(server, monkeypatch)
    plain = chat()
    call = Call(plain.id, "chat", plain.body, trace={"traceparent": "00-1-2-01"})
    await answered(engine, call)
    headers = sent(server).headers
    assert headers["authorization"] == "Bearer sk-worker"
    assert (headers["x-request-id"], headers["traceparent"]) == (call.id, "00-1-2-01")
    assert headers.keys() == {
        *("host", "authorization", "user-agent", "accept", "content-type", "content-length"),
        *("x-request-id", "traceparent"),
    }
    await engine.stop()


@pytest.mark.parametrize(
    ("options", "goes_out"),
    [
        (None, {"include_usage": True}),
        ({"include_usage": False}, {"include_usage": True}),
        (EACH, EACH),
        ({"continuous_usage_stats": True}, {"include_usage": True}),
        ({"include_usage": "yes"}, {"include_usage": "yes"}),
        ("usage", "usage"),
    ],
)
async def test_S8_usage_is_readerfor_and_what_is_wrong_is_the_workers_to_refuse(
    monkeypatch: pytest.MonkeyPatch, options: Any, goes_out: Any
) -> None:
    server = worker(lambda _request: streamed(events(["a"])))
    engine = await started(server, monkeypatch)
    await answered(engine, chat(stream=True, **({} if options is None else {"stream_options": options})))
    assert sent(server).json["stream_options"] == goes_out
    await engine.stop()


async def test_O5_nothing_else_is_ever_readerof_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    server = worker(lambda _request: [(0.0, answer(orjson.dumps(WHOLE)))])
    engine = await started(server, monkeypatch)
    await answered(engine, chat())
    await answered(engine, call_of({"prompt": "a"}, "completions"))
    with pytest.raises(ApiError) as caught:
        await engine.prepare(call_of({"input": "a"}, "embeddings"))
    assert caught.value.status == 400
    asked = {request.line.split(" ")[1] for request in server.requests}
    assert asked == {"/v1/chat/completions", "/v1/completions", "/v1/models", "/ready", "/health"}
    await engine.stop()


async def test_what_a_worker_has_counted_is_in_the_span(monkeypatch: pytest.MonkeyPatch) -> None:
    server = worker(lambda _request: streamed(events(["a", " b", " c"], prompt=9), step_s=1.0))
    engine = await started(server, monkeypatch)
    job = await engine.prepare(chat(stream=True, max_tokens=5, n=2))
    assert (job.prompt_tokens >= 1, job.max_tokens) == (True, 10)
    async for _ in engine.run(job):
        pass
    span = job.span
    assert (span.first_token, span.last_token, span.prompt_tokens, span.tokens) == (2.0, 5.0, 9, 3)
    await engine.stop()


async def test_it_serves_what_its_workers_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    server = worker(lambda _request: [])
    engine = await started(server, monkeypatch)
    assert engine.models() == [MODEL]
    with pytest.raises(ApiError) as caught:
        await answered(engine, chat(model="other"))
    assert (caught.value.status, caught.value.param) == (404, "model")
    assert not [request for request in server.requests if request.line.startswith("POST")]
    await engine.stop()


async def test_C20_the_fingerprint_is_that_of_the_models_and_of_what_is_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = worker(lambda _request: [])
    first = await started(server, monkeypatch)
    other = await started(server, monkeypatch, fingerprint="2")
    assert first.fingerprint != other.fingerprint
    same = await started(server, monkeypatch)
    assert first.fingerprint == same.fingerprint
    for engine in (first, other, same):
        await engine.stop()


async def test_S2_closing_an_answer_is_seen_by_the_worker_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = worker(lambda _request: [(0.0, HEAD + part(events(["a"])[0])), (3600.0, END)])
    engine = await started(server, monkeypatch)
    stream = engine.run(await engine.prepare(chat(stream=True)))
    await anext(stream)
    assert engine.occupancy == Occupancy(running=1)
    await stream.aclose()
    assert (server.aborted, engine.occupancy.running) == (1, 0)
    await engine.stop()


def test_a_client_dials_for_itself() -> None:
    """The tests' servers are in memory; a real one is in `test_upstream_live.py`."""
    routing = build("routing", "round_robin")
    engine = build("engine", "upstream", workers=[{"url": "http://w0:8000"}], wired={"routing": routing})
    assert engine._client._dial is dialled


@pytest.mark.parametrize("at", range(1, 8))
async def test_D1_S8_a_stream_that_goes_on_is_joined_cached_and_counted_as_a_whole_one(
    at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers come while it breaks, some with usage, and after it."""
    whole, asked = events(["Once", " upon", " a", " time"]), count(1)
    server = worker(lambda _request: streamed(whole[:at], end=BROKEN) if next(asked) == 1 else streamed(whole))
    engine = await started(server, monkeypatch)
    path = gateway(engine, cache="lru", dedup="single_flight")
    options: list[dict[str, Any]] = [{}, {"stream_options": {"include_usage": True}}]
    tasks = []
    for number in range(4):
        tasks.append(asyncio.create_task(ask(path, chat(stream=True, **options[number % 2]))))
        await asyncio.sleep(0.015)
    seen = [*await asyncio.gather(*tasks), *[await ask(path, chat(stream=True, **fields)) for fields in options]]
    assert {reader.text for reader in seen} == {"Once upon a time"}
    for number, reader in enumerate(seen):
        assert {chunk["id"] for chunk in reader.chunks} == {f"chatcmpl-{reader.call.id}"}
        assert (reader.data.count(b'"stop"'), reader.data.count(b"[DONE]")) == (1, 1)
        counts = [chunk["usage"]["completion_tokens"] for chunk in reader.chunks if chunk.get("usage")]
        assert counts == [4] * (number % 2)
    assert [reader.record.spent for reader in seen] == [7, 0, 0, 0, 0, 0]
    assert (seen[-1].record.cache, next(asked)) == ("hit", 3 if at < 7 else 2)
    await engine.stop()
