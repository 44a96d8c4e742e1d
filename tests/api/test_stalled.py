"""Clients that ask for long answers and do not read them."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.servers import Server, running

CHAT = "/v1/chat/completions"
READERS, TOKENS = 200, 1800
SETTINGS = (
    "+preset=dry_run",
    "batch=passthrough",
    "dedup=none",
    "cache=none",
    "engine.decode_step_ms=0.01",
    "engine.decode_step_per_seq_ms=0",
    "engine.max_num_seqs=4096",
)
# An answer is 16 choices of 1,800 tokens of 200 bytes: 5.7 MB, all of them 1.1 GB.
MAX_MIB_A_READER = 0.75


def rss_mib(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


@contextlib.contextmanager
def stalled(server: Server, count: int) -> Iterator[None]:
    """So many streams that were asked for and are not read."""
    fields = f'"seed":1,"stream":true,"n":16,"max_tokens":{TOKENS}'
    body = f'{{"messages":[{{"role":"user","content":"x"}}],{fields}}}'
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with contextlib.ExitStack() as open_sockets:
        for _ in range(count):
            reader = open_sockets.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", int(server.base_url.rpartition(":")[2])))
            reader.sendall((head + body).encode())
        yield


def settled_mib(server: Server) -> float:
    """The server's memory once it does not change any more."""
    before, now = -1.0, rss_mib(server)
    while abs(now - before) > 1:
        time.sleep(2)
        before, now = now, rss_mib(server)
    return now


def test_S10_stalled_readers_cost_a_bounded_buffer_each() -> None:
    """The rest of their answers is not made before it can be sent, and others are served meanwhile."""
    with running(*SETTINGS) as server:
        with stalled(server, 5):
            before = settled_mib(server)
        with stalled(server, READERS):
            grown = settled_mib(server) - before
            assert grown < READERS * MAX_MIB_A_READER
            short = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
            assert httpx.post(server.base_url + CHAT, json=short, timeout=20).status_code == 200
            assert server.metric("vgate_engine_running") == READERS
        server.wait_for("request done", READERS, limit_s=30, status=499)
        assert server.metric("vgate_requests_in_flight") == 1  # this one
