"""Dedup single_flight over real sockets: identical clients at random times, and clients that do not read."""

import asyncio
import contextlib
import json
import random
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import Server, running

CHAT = "/v1/chat/completions"
_ID = re.compile(rb"chatcmpl-[0-9a-f]{32}")
CLIENTS, TOKENS = 1000, 100
STALLED = 100
# The server's send buffer, about 300 KiB of small pieces, is most of it; without dedup it is there too.
MAX_KIB_IN_ONE_FLIGHT, MAX_KIB_IN_ITS_OWN = 400, 900


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A token in 100 ms: an answer takes ten seconds."""
    settings = ["dedup=single_flight", "cache=lru", "engine.decode_step_ms=100", "engine.decode_step_per_seq_ms=0"]
    with running("+preset=dry_run", *settings) as server:
        yield server


def body(text: str, **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"messages": messages, "temperature": 0, "stream": True, "max_tokens": TOKENS, **fields}


def request_of(asked: dict[str, Any]) -> bytes:
    data = json.dumps(asked).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + data


async def read_raw(port: int, asked: dict[str, Any], after_s: float) -> bytes:
    """One client by hand, as a thousand of a library's cost more than the server: the answer with its chunk marks."""
    await asyncio.sleep(after_s)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_of(asked))
    answer = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return answer


def unchunked(answer: bytes) -> tuple[str, bytes]:
    """(X-VGate-Cache, body without HTTP's chunking)."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    verdict = re.search(rb"x-vgate-cache: (\S+)", head)
    assert verdict
    parts = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        parts.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]
    return verdict[1].decode(), b"".join(parts)


def test_D1_D10_S12_a_thousand_identical_streaming_clients_are_one_generation(server: Server) -> None:
    """They come while it is made. The engine's own count of tokens is that of one answer; the answers are equal."""
    port, order = int(server.base_url.rpartition(":")[2]), random.Random(3)
    before = server.metric("vgate_tokens_generated_total")

    async def all_of_them() -> list[bytes]:
        starts = [0.0] + [order.uniform(0.1, 6.0) for _ in range(CLIENTS - 1)]
        return await asyncio.gather(*(read_raw(port, body("same"), start) for start in starts))

    answers = [unchunked(answer) for answer in asyncio.run(all_of_them())]
    ids = [set(_ID.findall(data)) for _, data in answers]
    assert {len(own) for own in ids} == {1}
    assert len(set.union(*ids)) == CLIENTS
    assert len({_ID.sub(b"ID", data) for _, data in answers}) == 1
    assert answers[0][1].count(b'"content":') == TOKENS + 1
    verdicts = [verdict for verdict, _ in answers]
    assert verdicts.count("miss") == 1
    assert verdicts.count("coalesced") > CLIENTS / 2, "the others came so late, on a slow machine, that they are hits"
    assert server.metric("vgate_tokens_generated_total") - before == TOKENS
    assert len(server.wait_for("batch done")) == 1


@contextlib.contextmanager
def stalled(server: Server, bodies: list[dict[str, Any]]) -> Iterator[list[socket.socket]]:
    """Clients that ask and do not read."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for asked in bodies:
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", int(server.base_url.rpartition(":")[2])))
            client.sendall(request_of(asked))
            sockets.append(client)
        yield sockets


def rss_kib(server: Server) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii"))
    assert found
    return int(found[1])


def settled_kib(server: Server) -> int:
    """The server's memory once it does not change any more."""
    before, now = -1, rss_kib(server)
    while abs(now - before) > 500:
        time.sleep(3)
        before, now = now, rss_kib(server)
    return now


@contextlib.contextmanager
def fast_server() -> Iterator[Server]:
    settings = ["dedup=single_flight", "cache=none", "model.max_model_len=16384"]
    settings += ["engine.decode_step_ms=0.1", "engine.max_num_seqs=1024", "engine.decode_step_per_seq_ms=0"]
    with running("+preset=dry_run", *settings) as server:
        yield server


def long(text: str) -> dict[str, Any]:
    """An answer of 2.4 MB, and half as much again in objects if all of it is kept."""
    return body(text, max_tokens=12000)


@pytest.mark.parametrize(
    ("shared", "most"), [(True, MAX_KIB_IN_ONE_FLIGHT), (False, MAX_KIB_IN_ITS_OWN)], ids=["one flight", "its own"]
)
def test_D9_S10_a_stalled_client_costs_a_bounded_buffer(shared: bool, most: int) -> None:
    """All follow one answer, or each one of its own; answers of 2.4 MB."""
    with fast_server() as server:
        with stalled(server, [long("warm")] * 5):
            before = settled_kib(server)
        with stalled(server, [long("same" if shared else f"own {n}") for n in range(STALLED)]):
            grown = settled_kib(server) - before
            assert grown <= STALLED * most
            answer = httpx.post(server.base_url + CHAT, json=body("hi", max_tokens=5, stream=False), timeout=20)
            assert answer.status_code == 200


def test_D9_a_client_that_stalls_where_others_read_ends_with_an_error_and_no_done() -> None:
    with fast_server() as server, stalled(server, [long("same")]) as [client]:
        time.sleep(0.1)
        with httpx.stream("POST", server.base_url + CHAT, json=long("same"), timeout=60) as other:
            assert other.headers["x-vgate-cache"] == "coalesced"
            assert other.read().endswith(b"data: [DONE]\n\n")
        client.settimeout(30)
        rest = b"".join(iter(lambda: client.recv(1 << 20), b""))
        _, data = unchunked(rest)
    error = json.loads(data.removesuffix(b"\n\n").rpartition(b"data: ")[2])["error"]
    assert error["code"] == "read_too_slowly"
    assert b"[DONE]" not in data
