"""A real server and a real collector: spans over the wire, and a collector that is down."""

import socket
import statistics
import time

import httpx
import pytest

from tests.asgi import chat
from tests.servers import Server, running
from tests.tracing.receiver import attributes, receiving
from tests.tracing.spans import PARENT, TRACE, parent

FAST = ("+preset=dry_run", "engine.decode_step_ms=1", "engine.decode_step_per_seq_ms=0", "cache=none")
SECRET = "the-secret-of-my-prompt"


def ask(server: Server, count: int, **headers: str) -> list[float]:
    """Seconds that each of so many requests took; each must succeed."""
    spent = []
    with httpx.Client(base_url=server.base_url, timeout=20) as client:
        for number in range(count):
            began = time.perf_counter()
            reply = client.post("/v1/chat/completions", json=chat(f"{SECRET} {number}", stream=True), headers=headers)
            spent.append(time.perf_counter() - began)
            assert reply.status_code == 200
            assert reply.text.endswith("data: [DONE]\n\n")
    return spent


def otlp(endpoint: str, *more: str) -> list[str]:
    return ["tracing=otlp", f"tracing.endpoint={endpoint}", "tracing.timeout_s=2", *more]


def test_a_collector_gets_the_spans_the_headers_and_no_prompt() -> None:
    with receiving() as collector, running(*FAST, *otlp(collector.url, "tracing.headers={x-team: s3cret}")) as server:
        ask(server, 3, **parent())
        spans = collector.wait_for(3, name="POST /v1/chat/completions")
        ask(server, 1)
        shown = str(server.lines)
    assert len([span for span in collector.spans if span.name == spans[0].name]) == 4, "the last before the end too"
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert {span.parent_span_id.hex() for span in spans} == {PARENT}
    phases = [span for span in collector.spans if span.parent_span_id == spans[0].span_id]
    assert {"prefill", "decode"} <= {span.name for span in phases}
    for phase in phases:
        assert spans[0].start_time_unix_nano <= phase.start_time_unix_nano <= phase.end_time_unix_nano
    assert abs(spans[0].end_time_unix_nano / 1e9 - time.time()) < 120
    assert attributes(spans[0])["gen_ai.usage.output_tokens"] == 8
    assert collector.services == {"vgate"}
    assert {headers["x-team"] for headers in collector.headers} == {"s3cret"}
    assert "s3cret" not in shown
    assert SECRET not in str(collector.requests)


@pytest.mark.parametrize("state", ["refuses connections", "never answers"])
def test_without_a_collector_no_request_fails_or_is_slower_and_spans_are_counted(state: str) -> None:
    with receiving(hang_s=60) as hanging, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, and not listening: connections are refused
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1/traces" if state.startswith("refuses") else hanging.url
        with running(*FAST) as server:
            ask(server, 20)
            without = statistics.median(ask(server, 100))
        with running(*FAST, *otlp(url, "tracing.max_queue_spans=100")) as server:
            ask(server, 20)
            spent = ask(server, 100)
            assert server.metric("vgate_spans_dropped_total") > 0
            began = time.monotonic()
        assert time.monotonic() - began < 10, "the end does not wait for it"
    assert statistics.median(spent) < without + 0.005
    assert max(spent) < 1.0
