"""The same requests against a real server, over real sockets."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.api.wire import Malformed, answers
from tests.fuzz.budget import cases, dice, share
from tests.fuzz.bytes import pieces
from tests.fuzz.judge import complaints, gauges_in_use, series, strange_labels
from tests.fuzz.requests import KEY, KINDS, WEIGHTS
from tests.fuzz.test_requests import CONTROL, SETTINGS, TIMEOUT_S
from tests.servers import Server, running

AT_ONCE = 64
MAX_GROWTH_MIB = 8.0
PATIENCE_S = 10.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("+preset=dry_run", *SETTINGS) as server:
        yield server


def rss_mib(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


def descriptors(server: Server) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def settled(server: Server, idle: int, limit_s: float = 5.0) -> int:
    """Open descriptors, once no more than these, or in vain: a connection is closed a moment after its last answer."""
    deadline = time.monotonic() + limit_s
    while descriptors(server) > idle and time.monotonic() < deadline:
        time.sleep(0.05)
    return descriptors(server)


async def exchanged(port: int, data: bytes, picks: Random) -> tuple[bytes, bool]:
    """What came back, and whether the server then hung up. A kept-alive connection is left once it is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        for piece in pieces(picks, data):
            writer.write(piece)
            await writer.drain()
        while piece := await asyncio.wait_for(
            reader.read(65536), 1.5 * TIMEOUT_S if _is_answered(received) else PATIENCE_S
        ):
            received += piece
    except ConnectionError:
        return received, True
    except TimeoutError:
        return received, False
    finally:
        writer.transport.abort()
    return received, True


def _is_answered(received: bytes) -> bool:
    try:
        found = answers(received, closed=False)
    except Malformed:
        return False
    return bool(found) and all(answer.whole for answer in found)


async def tried(port: int, count: int, name: str) -> list[str]:
    """So many cases, some at a time, every tenth of which leaves at once; what is wrong with the answers."""
    left, wrong = cases(count, name), []
    kinds, weights = list(KINDS), [WEIGHTS[kind] for kind in KINDS]

    async def client() -> None:
        for case, picks in left:
            kind = picks.choices(kinds, weights)[0]
            request = KINDS[kind](picks)
            if picks.random() < 0.1:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(request.data)
                await asyncio.sleep(picks.choice([0, 0.001, 0.01]))
                writer.transport.abort()
                continue
            begun = time.monotonic()
            received, closed = await exchanged(port, request.data, picks)
            found = complaints(request.data, received, closed=closed, head=request.head)
            if time.monotonic() - begun > PATIENCE_S:
                found.append("took too long")
            wrong.extend(f"{case} ({kind}): {one}\n    sent {request.data[:1500]!r}" for one in found)

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return wrong


@pytest.mark.timeout(1800)
def test_O1_O2_O7_no_request_brings_a_real_server_down(server: Server) -> None:
    port, count = int(server.base_url.rpartition(":")[2]), share(0.1)
    idle = descriptors(server)
    before = said(port)
    assert asyncio.run(tried(port, max(300, count // 4), "warm up")) == []
    warm = rss_mib(server)
    assert asyncio.run(tried(port, count, "server")) == []
    assert rss_mib(server) - warm < MAX_GROWTH_MIB
    assert said(port) == before
    time.sleep(TIMEOUT_S)
    exposition = httpx.get(f"{server.base_url}/metrics").text
    assert gauges_in_use(exposition) == {"vgate_requests_in_flight": 1}  # this one
    assert strange_labels(exposition) == []
    assert series(exposition) < 1500
    assert settled(server, idle) <= idle
    assert [line for line in server.lines if line["level"] in ("error", "critical")] == []
    assert KEY not in str(server.lines)


def said(port: int) -> str:
    """The answer to a good request."""
    received, _ = asyncio.run(exchanged(port, CONTROL, dice("control")))
    (answer,) = answers(received, closed=True)
    assert answer.status == 200
    return answer.body.partition(b'"choices":')[2].decode()
