"""Reloading a real server while it is asked."""

import asyncio
import json
import logging
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.edited import CHAT, RIGHT, Edited, body, editing


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Edited]:
    with editing(tmp_path) as edited:
        yield edited


# What the file says in turn while requests come and go.
TURNS: list[dict[str, Any]] = [
    {"batch": "lockstep", "cache": "none", "queue": {"max_waiting": 900}},
    {"batch": "time_window", "cache": "ttl", "dedup": "single_flight"},
    {"batch": "token_budget", "cache": "tinylfu", "queue": "fair", "server": {"deadline_ms": 60000.0}},
    {"cache": {"maxsize": 3}, "dedup": "batch", "security": {"rate_limiting": {"default_limit": 1_000_000}}},
    {"batch": "adaptive", "queue": "priority", "security": {"rate_limiting": {"default_limit": 999_999}}},
    {"logging": {"level": "WARNING"}, "server": {"cors": {"allow_origins": ["*"]}}},
    {"server": {"max_body_bytes": 100_000, "shutdown_grace_s": 20.0}, "security": {"exempt_paths": ["/health"]}},
    {"queue": {"max_waiting": 0}},  # wrong
]
SECURED = {"enabled": True, "api_keys": [{"key": "sk-a", "name": "a"}], "rate_limiting": {"default_limit": 1_000_000}}


def said(lines: list[str]) -> str:
    """The text of a stream."""
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line != "data: [DONE]"]
    return "".join(choice["delta"].get("content", "") for event in events for choice in event.get("choices", []))


async def keep_asking(client: httpx.AsyncClient, number: int, done: asyncio.Event, seen: "Counter[str]") -> None:
    """Streams and whole answers in turn, equal ones and others, until the reloads are done."""
    turn = 0
    while not done.is_set():
        turn += 1
        text = f"{number} {turn}" if turn % 3 else "the same"
        fields = {"messages": [{"role": "user", "content": text}], "max_tokens": 20 + 60 * (turn % 2)}
        if (number + turn) % 2:
            async with client.stream("POST", CHAT, json=body(**fields, stream=True)) as response:
                lines = [line async for line in response.aiter_lines() if line]
            good = lines[-1] == "data: [DONE]" and len(said(lines).split()) == fields["max_tokens"]
            seen["stream" if good else f"bad: {response.status_code} {lines[-1]}"] += 1
        else:
            response = await client.post(CHAT, json=body(**fields))
            good = response.status_code == 200 and response.json()["usage"]["completion_tokens"] == fields["max_tokens"]
            seen["whole" if good else f"bad: {response.status_code} {response.text}"] += 1


async def keep_reloading(edited: Edited, done: asyncio.Event) -> None:
    """Each turn twice, four reloads at once: by signal, by two requests to the port, by one to the Unix socket."""
    async with httpx.AsyncClient(base_url=edited.admin_url, headers=RIGHT, timeout=60) as client:
        for turn in TURNS * 2:
            edited.write(**{**turn, "security": {**SECURED, **turn.get("security", {})}})
            edited.server.process.send_signal(signal.SIGHUP)
            by_socket = asyncio.to_thread(edited.server.operate, "POST", "/reload")
            answers = await asyncio.gather(client.post("/reload"), client.post("/reload"), by_socket)
            expected = 400 if turn == TURNS[-1] else 200
            assert {answer.status_code for answer in answers} == {expected}, answers[0].text
    done.set()


def test_under_load_no_request_fails(edited: Edited) -> None:
    """16 clients, while everything that can be changed changes all the time."""
    edited.write(security=SECURED)
    assert "security" in edited.reload().json()["changed"]

    async def both() -> "Counter[str]":
        seen: Counter[str] = Counter()
        done = asyncio.Event()
        headers = {"authorization": "Bearer sk-a"}
        async with httpx.AsyncClient(base_url=edited.server.base_url, headers=headers, timeout=60) as client:
            asking = [keep_asking(client, number, done, seen) for number in range(16)]
            await asyncio.gather(*asking, keep_reloading(edited, done))
        return seen

    seen = asyncio.run(both())
    logging.getLogger(__name__).info("under %d reloads: %s", 4 * 2 * len(TURNS), dict(seen))
    assert set(seen) == {"stream", "whole"}, seen
    assert min(seen.values()) > 30
    edited.write(cache="lru")
    assert edited.reload().status_code == 200
    for gauge in ("vgate_queue_waiting", "vgate_engine_running"):
        assert edited.server.metric(gauge) == 0
