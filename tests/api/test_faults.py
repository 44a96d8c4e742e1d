"""What a client sees when the engine fails, over real sockets: an honest status, or the end of the stream."""

import json
from typing import Any

import httpx
import pytest

from tests.servers import Server, running

CHAT = "/v1/chat/completions"
FAST = ("+preset=dry_run", "engine.decode_step_ms=1", "engine.decode_step_per_seq_ms=0", "engine.faults.after_tokens=1")


def ask(server: Server, *, stream: bool, seed: int = 1) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 20, "stream": stream, "seed": seed}
    return httpx.post(server.base_url + CHAT, json=body, timeout=20)


def last_error(response: httpx.Response) -> dict[str, Any]:
    """Of a stream that began well."""
    assert response.status_code == 200
    assert "[DONE]" not in response.text
    lines = [line for line in response.text.splitlines() if line]
    return dict(json.loads(lines[-1].removeprefix("data: "))["error"])


@pytest.mark.parametrize(
    ("fault", "status", "code"), [("error_after", 500, "injected_fault"), ("drop", 502, "stream_broken")]
)
def test_S6_death_upstream_ends_a_stream_with_an_error_event_and_counts_as_a_failure(
    fault: str, status: int, code: str
) -> None:
    with running(*FAST, f"engine.faults.{fault}=1") as server:
        for seed in range(3):
            assert last_error(ask(server, stream=True, seed=seed))["code"] == code
        whole = ask(server, stream=False)
        assert (whole.status_code, whole.json()["error"]["code"]) == (status, code)
        assert server.metric("vgate_answers_broken_total") == 3
        assert [line["error"] for line in server.wait_for("request done", count=4)].count("") == 0
        assert server.metric("vgate_requests_in_flight") == 1  # this one


def test_S6_error_before_the_first_token_has_its_own_status() -> None:
    with running(*FAST, "engine.faults.error_before=1") as server:
        for stream in (True, False):
            assert ask(server, stream=stream).status_code == 500
        assert server.metric("vgate_answers_broken_total") == 0


def test_S7_split_streams_are_whole_on_the_wire() -> None:
    with running(*FAST, "engine.faults.split=1") as split, running(*FAST) as plain:
        for seed in range(5):
            got, expected = [_said(ask(server, stream=True, seed=seed)) for server in (split, plain)]
            assert got == expected


def _said(response: httpx.Response) -> list[str]:
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    assert lines[-1] == "[DONE]"
    return [choice["delta"]["content"] for line in lines[:-1] for choice in json.loads(line)["choices"]]


def test_O3_died_engine_is_503_and_not_ready_until_it_is_back() -> None:
    """Every answer kills it; it comes back each time, as often as it may."""
    settings = ("engine.faults.crash=1", "engine.restart.backoff_s=0.2", "engine.restart.max_attempts=1000")
    with running(*FAST, *settings) as server:
        assert last_error(ask(server, stream=True))["code"] == "not_ready"
        refused = ask(server, stream=False)
        assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (503, True)
        assert httpx.get(server.base_url + "/ready").status_code == 503
        assert httpx.get(server.base_url + "/health").status_code == 200
        server.wait_for("engine restarted")
        assert httpx.get(server.base_url + "/ready").status_code == 200
        assert ask(server, stream=False).status_code == 503
        server.wait_for("engine restarted", 2)
        assert httpx.get(server.base_url + "/stats").json()["engine"]["restarts"] == 2
        assert server.metric("vgate_engine_restarts_total") == 2
