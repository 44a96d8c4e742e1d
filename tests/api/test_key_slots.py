"""Keys with few requests at once, and answers that break off: what comes back, and what is charged."""

import contextlib
import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.api.keyed import (
    BUDGET,
    CHAT,
    ENVIRON,
    FAST,
    SETTINGS,
    WINDOW,
    bearer,
    body,
    keyed,
    left,
    open_request,
    post,
    spent,
    streamed_and_whole,
    wait_for_slot,
)
from tests.servers import Server, running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with keyed() as server:
        yield server


@streamed_and_whole
def test_R6_an_aborted_answer_is_charged_for_what_was_made(server: Server, stream: bool) -> None:
    before = left(server, "sk-one")
    with open_request(server, body(f"abort {stream}", stream=stream, max_tokens=400, seed=1), "sk-one") as client:
        if stream:
            assert client.recv(1000)
        time.sleep(0.5)
    wait_for_slot(server)
    requests, tokens = spent(server, before, "sk-one")
    assert requests <= 3
    assert 50 < tokens < 250


def test_R6_who_began_it_pays_for_all_that_others_stay_for(server: Server) -> None:
    """Its slot it has back as soon as it has left."""
    wait_for_slot(server, "sk-two")
    before = left(server, "sk-two")
    asked = body("followed", stream=True, max_tokens=150, stream_options={"include_usage": True})
    with contextlib.ExitStack() as stack:
        leader = stack.enter_context(open_request(server, asked, "sk-two"))
        assert leader.recv(1000)
        request = {"json": asked, "headers": bearer("sk-two"), "timeout": 20}
        follower = stack.enter_context(httpx.stream("POST", server.base_url + CHAT, **request))
        assert follower.headers["x-vgate-cache"] == "coalesced"
        leader.close()
        wait_for_slot(server, "sk-two")
        assert left(server, "sk-two")[1] < before[1] - 150, "what was reserved stands"
        usage = json.loads(follower.read().decode().split("data: ")[-2])["usage"]
    deadline = time.monotonic() + 5
    while (tokens := spent(server, before, "sk-two")[1]) != usage["total_tokens"]:
        assert time.monotonic() < deadline, tokens
        time.sleep(0.02)


@streamed_and_whole
@pytest.mark.parametrize("leaves", ["at once", "later"])
def test_R5_a_slot_comes_back_when_the_client_leaves(server: Server, stream: bool, leaves: str) -> None:
    """Before the first byte and after it."""
    wait_for_slot(server)
    asked = body(f"leave {stream} {leaves}", stream=stream, max_tokens=400, seed=2)
    with open_request(server, asked, "sk-one") as client:
        if leaves == "later":
            client.recv(1000) if stream else time.sleep(0.3)
            assert post(server, body("kept"), "sk-one").status_code == 429
    assert wait_for_slot(server) < 1.0


@streamed_and_whole
@pytest.mark.parametrize("ends", ["well", "bad request", "too late", "hit"])
def test_R5_a_slot_comes_back_as_soon_as_the_answer_is_there(server: Server, stream: bool, ends: str) -> None:
    """One client that asks again as soon as it has its answer is never refused."""
    wait_for_slot(server)
    with httpx.Client(base_url=server.base_url, headers=bearer("sk-one"), timeout=20) as client:
        for number in range(20):
            asked = body("kept" if ends == "hit" else f"{ends} {stream} {number}", stream=stream)
            asked |= {"messages": "nonsense"} if ends == "bad request" else {}
            headers = {"X-VGate-Deadline-Ms": "0.001"} if ends == "too late" else {}
            answer = client.post(CHAT, json=asked, headers=headers)
            assert answer.status_code == {"bad request": 400, "too late": 504}.get(ends, 200), answer.text
            assert "x-ratelimit-remaining" in answer.headers


@pytest.mark.parametrize("fault", ["error_before", "error_after", "drop", "crash"])
def test_R5_a_slot_comes_back_when_the_engine_fails(fault: str) -> None:
    settings = [f"engine.faults.{fault}=1", "engine.restart.backoff_s=0.05", "engine.restart.max_attempts=1000"]
    with running(*FAST, *SETTINGS, *WINDOW, *settings, "engine.faults.after_tokens=2", env=ENVIRON) as server:
        for number in range(10):
            answer = post(server, body(f"{number}", stream=number % 2 == 0), "sk-one")
            assert answer.status_code in (200, 500, 502, 503), answer.text
            assert "[DONE]" not in answer.text
            assert answer.headers["x-ratelimit-limit"] == "10000"
            time.sleep(0.05)
        assert left(server, "sk-one")[1] > BUDGET - 500
