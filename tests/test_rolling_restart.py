"""A gateway that is exchanged under load: two at one port, the old one told to go when the new one is ready."""

import asyncio
import contextlib
import socket
import time
from collections import Counter

import httpx
import pytest

from tests.servers import Server, running, start

pytestmark = pytest.mark.real_time

CHAT = "/v1/chat/completions"
CLIENTS = 16
REQUESTS = 5000
FAST = ("engine.prefill_tokens_per_s=1e9", "engine.decode_step_ms=0.01", "engine.decode_step_per_seq_ms=0")


def gateway(port: int, *settings: str) -> Server:
    shared = ("server.reuse_port=true", "server.drain_delay_s=5", "logging.access_sample=0")
    return start("+preset=dry_run", "batch=passthrough", *FAST, *shared, f"server.port={port}", *settings)


async def ask(client: httpx.AsyncClient, numbers: "asyncio.Queue[int]", seen: Counter[str]) -> None:
    while not numbers.empty():
        number = numbers.get_nowait()
        fields = {
            "messages": [{"role": "user", "content": f"river {number}"}],
            "max_tokens": 3,
            "stream": not number % 5,
        }
        try:
            answer = await client.post(CHAT, json=fields)
            whole = answer.text.endswith("data: [DONE]\n\n") if fields["stream"] else answer.json()["usage"]
            seen[
                "answered" if answer.status_code == 200 and whole else f"{answer.status_code} {answer.text[:200]}"
            ] += 1
        except httpx.HTTPError as error:
            seen[repr(error)] += 1


async def test_O4_of_a_rolling_restart_no_client_notices() -> None:
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        fleet = [await asyncio.to_thread(gateway, port) for _ in range(2)]
        numbers: asyncio.Queue[int] = asyncio.Queue()
        for number in range(REQUESTS):
            numbers.put_nowait(number)
        seen: Counter[str] = Counter()
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                clients = [asyncio.create_task(ask(client, numbers, seen)) for _ in range(CLIENTS)]
                for place in range(2):
                    new = await asyncio.to_thread(gateway, port)
                    old, fleet[place] = fleet[place], new
                    assert not numbers.empty(), "the load must last longer than the restarts"
                    assert await asyncio.to_thread(old.stop) == 0
                await asyncio.gather(*clients)
        finally:
            codes = [await asyncio.to_thread(server.stop) for server in fleet]
    assert seen == {"answered": REQUESTS}
    assert codes == [0, 0]


def test_O4_before_new_work_is_refused_answers_end_their_connections() -> None:
    """Where it listens alone it says so at /ready, and answers all else."""
    with running("+preset=dry_run", "server.drain_delay_s=1", *FAST) as server, httpx.Client(timeout=10) as client:
        assert "connection" not in client.post(server.base_url + CHAT, json={"messages": []}).headers
        server.process.terminate()
        server.wait_for("stopping")
        ready = client.get(server.base_url + "/ready")
        assert (ready.status_code, ready.headers["connection"]) == (503, "close")
        fields = {"messages": [{"role": "user", "content": "river"}], "max_tokens": 3}
        answer = client.post(server.base_url + CHAT, json=fields)
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        end = time.monotonic() + 10
        with contextlib.suppress(httpx.ConnectError):  # it has ended by then
            while client.post(server.base_url + CHAT, json=fields).status_code == 200:
                assert time.monotonic() < end
                time.sleep(0.05)


async def connect_and_ask(port: int, seen: Counter[bytes]) -> None:
    """Until nobody listens, each time a little after the connection is there."""
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.02)
            writer.write(f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            with contextlib.suppress(ConnectionError):
                seen[(await reader.readline())[9:12]] += 1
            writer.close()


async def test_O4_who_comes_last_is_told_too() -> None:
    seen: Counter[bytes] = Counter()
    for _ in range(3):
        with running("+preset=dry_run", *FAST) as server:
            port = int(server.base_url.rpartition(":")[2])
            clients = [asyncio.create_task(connect_and_ask(port, seen)) for _ in range(32)]
            await asyncio.sleep(0.2)
            assert await asyncio.to_thread(server.stop) == 0
            await asyncio.gather(*clients)
    assert seen.keys() == {b"400", b"503"}


def test_two_servers_share_a_port_only_where_both_ask_for_it() -> None:
    with running("+preset=dry_run") as alone:
        port = alone.base_url.rpartition(":")[2]
        with pytest.raises(AssertionError, match="Address already in use"):
            start("+preset=dry_run", f"server.port={port}", "server.reuse_port=true")
