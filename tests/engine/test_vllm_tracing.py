"""vLLM's own spans in the traces of its requests. Real vLLM, and a real collector."""

from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.asgi import chat
from tests.servers import Server, running
from tests.tracing.receiver import attributes, receiving
from tests.tracing.spans import TRACE, parent

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(400)]

SECRET = "the-secret-of-my-prompt"
# Fields of each form of a request, by its path.
ASKED = {
    "/v1/chat/completions": {**chat(SECRET), "ignore_eos": True},
    "/v1/completions": {"prompt": SECRET, "max_tokens": 8, "temperature": 0, "ignore_eos": True},
}


def test_vllms_span_is_below_the_requests(models: Path) -> None:
    """For chats and completions, whole and streamed; not for what the caller did not want recorded."""
    with receiving() as collector:
        tracing = ("tracing=otlp", f"tracing.endpoint={collector.url}", "tracing.headers={x-team: s3cret}")
        with running("+preset=cpu", f"model.model_id={models / 'tiny'}", "cache=none", *tracing) as server:
            for path, body in ASKED.items():
                for stream in (False, True):
                    reply = httpx.post(
                        f"{server.base_url}{path}", json={**body, "stream": stream}, headers=parent(), timeout=60
                    )
                    assert reply.status_code == 200, reply.text
            unwatched = {"json": ASKED["/v1/completions"], "headers": parent("00"), "timeout": 60}
            assert httpx.post(f"{server.base_url}/v1/completions", **unwatched).status_code == 200
            theirs = collector.wait_for(4, limit_s=30, name="llm_request")
            check_openmetrics(server)
        ours = {span.span_id: span for span in collector.spans if span.name.startswith("POST ")}
    theirs = [span for span in collector.spans if span.name == "llm_request"]
    assert len(ours) == len(theirs) == 4
    assert {span.parent_span_id for span in theirs} == ours.keys()
    assert {span.trace_id.hex() for span in theirs} == {TRACE}
    for span in theirs:
        assert attributes(span)["gen_ai.usage.completion_tokens"] == 8
        above = ours[span.parent_span_id]
        # vLLM's clock for it begins where its own handler does, a little after ours.
        assert above.start_time_unix_nano - 50e6 <= span.start_time_unix_nano <= above.end_time_unix_nano + 50e6
    assert {headers.get("x-team") for headers in collector.headers} == {"s3cret"}
    assert SECRET not in str(collector.requests)


def check_openmetrics(server: Server) -> None:
    """VLLM's metrics in that format too, and a latency that names its trace."""
    text = httpx.get(f"{server.base_url}/metrics", headers={"accept": "application/openmetrics-text"}).text
    families = list(text_string_to_metric_families(text))
    assert {"vllm:num_requests_running", "vgate_ttft_seconds"} <= {family.name for family in families}
    assert f'# {{trace_id="{TRACE}"}}' in text
