"""VLLM's engine process killed under load: nobody hangs, nobody is told a lie, and it comes back."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import START_LIMIT_S, Server, start

pytestmark = pytest.mark.vllm

CHAT = "/v1/chat/completions"


def body(text: str, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"model": "tiny", "messages": messages, "temperature": 0, "ignore_eos": True, "max_tokens": 1500, **fields}


def children(pid: int) -> dict[int, str]:
    """A process's children with their names, zombies as `zombie`."""
    found = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # gone meanwhile
            if folder.name.isdigit() and int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                name = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(folder.name)] = "zombie" if state == "Z" else name
    return found


def engine_core(server: Server) -> int:
    """The process that runs the model, once the server is ready."""
    deadline = time.monotonic() + START_LIMIT_S
    while httpx.get(f"{server.base_url}/ready", timeout=30).status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return running_core(server)


def running_core(server: Server) -> int:
    [core] = [pid for pid, name in children(server.process.pid).items() if "EngineCore" in name]
    return core


@dataclass
class Client:
    """One request, streamed or whole, and how it ended."""

    stream: bool
    status: int = 0
    said: list[str] = field(default_factory=list)
    ended: float = 0.0

    async def ask(self, client: httpx.AsyncClient, text: str) -> None:
        try:
            async with client.stream("POST", CHAT, json=body(text, stream=self.stream)) as response:
                self.status = response.status_code
                async for line in response.aiter_lines():
                    self.said += [line] if line else []
        finally:
            self.ended = time.monotonic()

    @property
    def error(self) -> dict[str, Any]:
        last = json.loads(self.said[-1].removeprefix("data: "))
        return dict(last["error"])


async def killed_under_load(server: Server) -> tuple[list[Client], list[Client], float, float]:
    """16 streams and 8 whole answers under way, 5 that arrive just then; when it was, and when /ready turned false."""
    open_clients = [Client(stream=number < 16) for number in range(24)]
    arriving = [Client(stream=number % 2 == 0) for number in range(5)]
    async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as client:
        tasks = [asyncio.create_task(c.ask(client, f"tell {n}")) for n, c in enumerate(open_clients)]
        while not all(len(c.said) > 5 for c in open_clients[:16]):
            assert not any(task.done() for task in tasks)
            await asyncio.sleep(0.01)
        os.kill(engine_core(server), signal.SIGKILL)
        killed = time.monotonic()
        tasks += [asyncio.create_task(c.ask(client, f"late {n}")) for n, c in enumerate(arriving)]
        while (await client.get("/ready")).status_code == 200:
            assert time.monotonic() - killed < 5
        not_ready = time.monotonic()
        await asyncio.gather(*tasks)
    return open_clients, arriving, killed, not_ready


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[Server]:
    """Of its own; the last test stops it."""
    settings = ["engine.restart.backoff_s=0.5", "engine.restart.stable_s=1", "engine.restart.hang_timeout_s=8"]
    server = start("+preset=cpu", f"model.model_id={models / 'tiny'}", *settings)
    yield server
    if server.process.poll() is None:
        assert server.stop() == 0


def test_S6_killed_engine_ends_every_request_with_an_error_and_comes_back(server: Server) -> None:
    stored = httpx.post(server.base_url + CHAT, json=body("remember", max_tokens=8), timeout=60)
    first = engine_core(server)
    open_clients, arriving, killed, not_ready = asyncio.run(killed_under_load(server))
    slowest = max(client.ended for client in open_clients + arriving) - killed
    assert not_ready - killed < 3, "0.2 s on a quiet machine"
    assert slowest < 5
    streams, whole = open_clients[:16], open_clients[16:]
    assert [client.status for client in streams] == [200] * 16
    assert {client.status for client in whole + arriving} == {503}
    assert {client.error["code"] for client in open_clients + arriving} == {"not_ready"}
    assert not [line for client in open_clients + arriving for line in client.said if "[DONE]" in line]
    server.wait_for("engine restarted", limit_s=180)
    assert httpx.get(f"{server.base_url}/ready", timeout=10).status_code == 200
    again = httpx.post(server.base_url + CHAT, json=body("remember", max_tokens=8), timeout=60)
    assert again.headers["x-vgate-cache"] == "hit", "the fingerprint is the same"
    fresh = httpx.post(server.base_url + CHAT, json=body("something new", max_tokens=8), timeout=60)
    assert fresh.json()["usage"]["completion_tokens"] == 8
    assert stored.json()["choices"] == again.json()["choices"]
    assert server.metric("vllm:num_requests_running") == 0
    assert (server.metric("vgate_engine_deaths_total"), server.metric("vgate_engine_restarts_total")) == (1, 1)
    assert server.metric("vgate_requests_in_flight") == 1  # this one
    now = children(server.process.pid)
    assert "zombie" not in now.values()
    assert first not in now
    assert sum("EngineCore" in name for name in now.values()) == 1


def test_engine_process_that_hangs_is_replaced_and_its_requests_end(server: Server) -> None:
    """Stopped, not killed: alive for the operating system, and silent."""
    before, core = len(server.find("engine restarted")), engine_core(server)
    asyncio.run(_stopped_under_load(server, core))
    server.wait_for("engine hangs")
    server.wait_for("engine restarted", before + 1, limit_s=180)
    assert not Path(f"/proc/{core}").exists()
    fresh = httpx.post(server.base_url + CHAT, json=body("after the hang", max_tokens=8), timeout=60)
    assert fresh.json()["usage"]["completion_tokens"] == 8


async def _stopped_under_load(server: Server, core: int) -> None:
    clients = [Client(stream=number % 2 == 0) for number in range(6)]
    async with httpx.AsyncClient(base_url=server.base_url, timeout=60) as client:
        tasks = [asyncio.create_task(c.ask(client, f"stuck {n}")) for n, c in enumerate(clients)]
        while not clients[0].said:
            assert not tasks[0].done()
            await asyncio.sleep(0.01)
        os.kill(core, signal.SIGSTOP)
        await asyncio.gather(*tasks)
    assert {one.error["code"] for one in clients} == {"not_ready"}


def test_O4_sigterm_while_the_engine_restarts_ends_at_once_with_0(server: Server) -> None:
    before = len(server.find("engine died, restarting"))
    os.kill(engine_core(server), signal.SIGKILL)
    server.wait_for("engine died, restarting", before + 1)
    while not any("EngineCore" in name for name in children(server.process.pid).values()):
        time.sleep(0.05)
    core = running_core(server)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 3
    assert not Path(f"/proc/{core}").exists()
