"""Replicas of the dry-run engine under a real Ray, started once for all that is here."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.servers import Server, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

SETTINGS = (
    "+preset=ray",
    "ray.engine=dry_run",
    "ray.settings.decode_step_ms=20.0",
    "ray.num_replicas=1",
    "ray.num_cpus=0.1",
    "ray.autoscaling.max_replicas=3",
    "ray.autoscaling.target_ongoing_requests=4.0",
    "ray.autoscaling.upscale_delay_s=0.3",
    "ray.autoscaling.downscale_delay_s=1.0",
    "ray.autoscaling.look_back_s=1.0",
    "ray.health_period_s=0.5",
    "ray.poll_s=0.2",
    "cache=none",
)
CLIENTS = 16
FEW = 2
GOES_ON = "a stream goes on at another worker"
TOKENS = 60
LIMIT_S = 90.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(*SETTINGS) as server:
        folders = set(_folders(server))
        yield server
        ours = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    # It has stopped, with 0; what it had started is gone too.
    assert folders
    assert not [folder for folder in folders if Path(folder).exists()]
    left = [process for process in ours if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert left == []


def _folders(server: Server) -> Iterator[str]:
    """Where the Ray that it has started keeps its files."""
    for process in psutil.Process(server.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            for part in " ".join(process.cmdline()).replace("=", " ").split():
                if "/vgate-ray-" in part:
                    yield part[: part.index("/", part.index("/vgate-ray-") + 1)] if part.count("/") > 2 else part


def replicas(server: Server) -> dict[str, str]:
    """URL by name, of those that the gateway knows now."""
    known: dict[str, str] = {}
    for line in list(server.lines):
        if line["message"] == "worker found":
            known[line["worker"]] = line["url"]
        if line["message"] == "worker left":
            known.pop(line["worker"], None)
    return known


def ready(server: Server) -> set[str]:
    """The URLs of those that answer."""
    return set(replicas(server).values()) & {line["url"] for line in server.find("worker ready")}


async def until(server: Server, number: int) -> None:
    deadline = time.monotonic() + LIMIT_S
    while len(ready(server)) != number or len(replicas(server)) != number:
        assert time.monotonic() < deadline, f"{replicas(server)} of {number}"
        await asyncio.sleep(0.1)


def kill(url: str) -> None:
    """kill -9 of the process that listens there."""
    port = int(url.rpartition(":")[2])
    (pid,) = {c.pid for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == port and c.pid}
    os.kill(pid, 9)


def body(number: int, **changes: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": f"tell me {number}"}]
    return {"model": "tiny", "messages": said, "max_tokens": TOKENS, "temperature": 0, **changes}


async def streamed(client: httpx.AsyncClient, number: int) -> tuple[str, str, int]:
    """A stream's text, how it ended, and the tokens that its usage counts."""
    fields = body(number, stream=True, stream_options={"include_usage": True})
    text, ended, counted, whole = "", "", 0, False
    async with client.stream("POST", "/v1/chat/completions", json=fields) as response:
        async for line in response.aiter_lines():
            whole = whole or line == "data: [DONE]"
            if whole or not line.startswith("data: "):
                continue
            event = json.loads(line[6:])
            if "error" in event:
                ended = str(event["error"])
                continue
            counted = (event.get("usage") or {}).get("completion_tokens", counted)
            for choice in event["choices"]:
                text += choice["delta"].get("content", "")
                ended = choice["finish_reason"] or ended
    return text, ended if whole else f"cut off after {ended!r}", counted


@contextlib.asynccontextmanager
async def load(server: Server, expected: dict[int, str], clients: int) -> AsyncIterator[list[str]]:
    """Streams, one after the other for each client; what was wrong with one of them. Ends when they have."""
    wrong: list[str] = []
    done = asyncio.Event()

    async def ask(client: httpx.AsyncClient, number: int) -> None:
        while not done.is_set():
            text, ended, counted = await streamed(client, number)
            if (text, ended, counted) != (expected[number], "length", TOKENS):
                wrong.append(f"{number}: {ended}, {counted} tokens, {text!r}")

    async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as client:
        tasks = [asyncio.create_task(ask(client, number)) for number in range(clients)]
        try:
            yield wrong
        finally:
            done.set()
            await asyncio.gather(*tasks)


def test_it_answers_as_the_engine_itself_does(server: Server) -> None:
    with httpx.Client(base_url=server.base_url, timeout=30) as client:
        assert [model["id"] for model in client.get("/v1/models").json()["data"]] == ["tiny"]
        answer = client.post("/v1/chat/completions", json=body(1, max_tokens=5))
        assert answer.json()["usage"] == {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}
        assert answer.json()["id"].startswith("chatcmpl-")
        refused = client.post("/v1/chat/completions", json=body(1, temperature=3))
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "temperature")
        # The replica itself answers nobody but its gateway.
        (url,) = replicas(server).values()
        assert httpx.post(f"{url}/v1/chat/completions", json=body(1)).status_code == 401


def test_S2_a_client_that_leaves_frees_the_replica(server: Server) -> None:
    with httpx.Client(base_url=server.base_url, timeout=30) as client:
        fields = body(1, max_tokens=1500, stream=True)
        for _ in range(20):
            with client.stream("POST", "/v1/chat/completions", json=fields) as response:
                next(response.iter_lines())
        began = time.monotonic()
        client.post("/v1/chat/completions", json=body(1, max_tokens=5))
    # Behind 20 answers of 30 s, of which 16 run at once, it would take a minute.
    assert time.monotonic() - began < 10


@pytest.mark.real_time
async def test_S6_a_burst_brings_replicas_one_that_is_killed_is_replaced_and_quiet_takes_them_away(
    server: Server,
) -> None:
    (first,) = replicas(server).values()
    async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as client:
        texts = await asyncio.gather(*(streamed(client, number) for number in range(CLIENTS)))
    expected = {number: text for number, (text, _, _) in enumerate(texts)}
    async with load(server, expected, FEW) as wrong_of_few:
        async with load(server, expected, CLIENTS) as wrong:
            await until(server, 3)
            before = ready(server)
            kill(first)
            while first in replicas(server).values():  # noqa: ASYNC110  until it is missed
                await asyncio.sleep(0.1)
            await until(server, 3)
            assert len(ready(server) - before) == 1
        broken = len(server.find(GOES_ON))
        await until(server, 1)
    # Who dies breaks streams, which go on; who is to go finishes those that it has.
    assert broken > 0
    assert len(server.find(GOES_ON)) == broken
    assert (wrong, wrong_of_few) == ([], [])
