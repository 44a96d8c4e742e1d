"""Spans of a dry-run server in virtual time: whose they are, how long, and what they say."""

import asyncio
import re
from typing import Any

import pytest
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from tests.asgi import ask, chat
from tests.tracing.spans import PARENT, TRACE, parent, seconds, traced
from vgate.observe.parts import PARTS

SECRET = "the-secret-of-my-prompt"


async def test_a_request_is_a_span_with_its_phases_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(monkeypatch, "batch=time_window", "batch.max_wait_time_ms=40") as (spans, app):
        reply = await ask(app, {**chat(SECRET, stream=True), "model": "tiny"}, headers={"X-Request-Id": "mine"})
        [server] = spans.servers
        phases = spans.below(server)
    assert server.name == "POST /v1/chat/completions"
    assert seconds(server) == pytest.approx(reply.ended - reply.sent, abs=2e-6)
    assert list(phases) == [name for name in PARTS if name in phases]
    assert phases.keys() >= {"batch_wait", "prefill", "decode"}
    assert seconds(phases["batch_wait"]) == pytest.approx(0.04, abs=2e-6)
    assert sum(map(seconds, phases.values())) == pytest.approx(reply.ended - reply.sent, abs=1e-5)
    said = dict(server.attributes or {})
    assert {name: said[name] for name in said if name.startswith(("gen_ai", "http"))} == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "vgate",
        "gen_ai.request.model": "tiny",
        "gen_ai.request.stream": True,
        "gen_ai.usage.input_tokens": said["gen_ai.usage.input_tokens"],
        "gen_ai.usage.output_tokens": 8,
        "gen_ai.response.time_to_first_chunk": pytest.approx(reply.began - reply.sent, abs=1e-3),
    }
    assert (said["vgate.request_id"], said["vgate.cache"]) == ("mine", "miss")
    assert SECRET not in " ".join(span.to_json() for span in spans.all)
    assert server.status.status_code is StatusCode.UNSET


async def test_the_trace_of_the_caller_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(monkeypatch) as (spans, app):
        await ask(app, chat(), headers=parent())
        [server] = spans.servers
        assert all(span.context and format_trace_id(span.context.trace_id) == TRACE for span in spans.all)
    assert server.parent
    assert format_span_id(server.parent.span_id) == PARENT


@pytest.mark.parametrize("given", ["", "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "\xff" * 40, "00-1-1-1"])
async def test_what_is_no_traceparent_begins_a_trace_of_its_own(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(monkeypatch) as (spans, app):
        assert (await ask(app, chat(), headers={"traceparent": given})).status == 200
        [server] = spans.servers
    assert server.parent is None


async def test_whether_it_is_recorded_is_the_parents_choice_else_the_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(monkeypatch, "tracing.sample_ratio=0") as (spans, app):
        await ask(app, chat("a"))
        await ask(app, chat("b"), headers=parent("00"))
        assert not spans.all
        await ask(app, chat("c"), headers=parent("01"))
        assert len(spans.servers) == 1
    async with traced(monkeypatch, "tracing.sample_ratio=0.3") as (spans, app):
        for number in range(300):
            await ask(app, chat(f"{number}", max_tokens=1))
        assert 50 < len(spans.servers) < 130


async def test_engines_are_handed_the_context_of_the_requests_span(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags in ("00", "01"):
        async with traced(monkeypatch) as (spans, app):
            calls = []
            engine: Any = spans.service.engine
            prepare = engine.prepare

            async def watched(call, prepare=prepare, calls=calls):  # type: ignore[no-untyped-def]
                calls.append(call)
                return await prepare(call)

            engine.prepare = watched
            await ask(app, chat(), headers={**parent(flags), "tracestate": "vendor=1"})
            handed = calls[0].trace
        assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-{flags}", handed["traceparent"])
        assert handed["tracestate"] == "vendor=1"
        assert PARENT not in handed["traceparent"]
        if flags == "01":
            assert spans.servers[0].context
            assert format_span_id(spans.servers[0].context.span_id) in handed["traceparent"]


async def test_errors_are_told_by_their_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(monkeypatch, "engine.faults.error_before=1.0") as (spans, app):
        await ask(app, {"messages": SECRET})
        await ask(app, chat())
        bad, failed = spans.servers
    assert (bad.status.status_code, failed.status.status_code) == (StatusCode.UNSET, StatusCode.ERROR)
    assert (bad.attributes or {})["error.type"] == "invalid_request_error"
    assert (failed.attributes or {})["http.response.status_code"] == 500
    assert SECRET not in bad.to_json()


async def test_a_stream_that_breaks_off_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(monkeypatch, "engine.faults.error_after=1.0") as (spans, app):
        reply = await ask(app, chat(stream=True))
        [server] = spans.servers
    assert reply.status == 200
    assert server.status.status_code is StatusCode.ERROR


async def test_a_joined_answer_has_the_phases_that_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(monkeypatch, "dedup=single_flight") as (spans, app):
        await asyncio.gather(ask(app, chat()), ask(app, chat()))
        await ask(app, chat())
        first, second, third = spans.servers
        assert spans.below(first).keys() == spans.below(second).keys() >= {"prefill", "decode"}
        assert not spans.below(third), "from the cache"


async def test_phases_of_a_generation_that_outlives_its_client_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(monkeypatch, "dedup=single_flight") as (spans, app):
        leader = asyncio.create_task(ask(app, chat(max_tokens=50), leave_after_s=0.2))
        await asyncio.sleep(0.1)
        stays = asyncio.create_task(ask(app, chat(max_tokens=50)))
        await leader
        [left] = spans.servers
        assert (left.attributes or {})["http.response.status_code"] == 499
        assert not spans.below(left)
        await stays
        await asyncio.sleep(1)
        assert spans.below(left)["decode"].end_time > (left.end_time or 0)
        assert not spans.service.tracing._unripe


async def test_only_requests_to_a_model_are_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(monkeypatch) as (spans, app):
        for path in ("/health", "/metrics", "/v1/models", "/nowhere"):
            await ask(app, path=path)
        await ask(app, chat(), path="/nowhere")
        assert not spans.all


async def test_a_latency_can_be_looked_at_by_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    async with traced(monkeypatch) as (_, app):
        await ask(app, chat("a", stream=True), headers=parent())
        await ask(app, chat("b", stream=True), headers=parent("00"))
        reply = await ask(app, path="/metrics", headers={"accept": "application/openmetrics-text"})
    exemplars = [line for line in reply.body.decode().splitlines() if f'# {{trace_id="{TRACE}"}}' in line]
    assert {line.partition("_bucket")[0] for line in exemplars} == {
        "vgate_ttft_seconds", "vgate_request_latency_seconds",
    }  # fmt: skip
