"""Requests that are nearly right, by the thousand: over connections in virtual time, and against a real server.

No 5xx, no silence, no unbounded growth; every answer is HTTP by the letter and in the API's form; and afterwards a good
request is answered as before.
"""

import asyncio
import gc
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.api.wire import Client, Wired, wired
from tests.fuzz.budget import cases, dice, share
from tests.fuzz.bytes import pieces
from tests.fuzz.judge import complaints, gauges_in_use, series, strange_labels
from tests.fuzz.requests import KEY, KINDS, WEIGHTS, Request, built

AT_ONCE = 40
TIMEOUT_S = 2.0
MAX_GROWTH_MIB = 12.0
SETTINGS = (
    "security=keys",
    f"security.api_keys=[{{key: {KEY}, name: good}}, {{key: sk-other, name: other}}]",
    "security.rate_limiting.default_limit=1000000",
    "security.rate_limiting.window_seconds=1",
    "model.max_model_len=64",
    "cache.maxsize=50",
    "dedup=single_flight",
    "batch=time_window",
    "batch.max_wait_time_ms=1",
    "queue=fair",
    "engine.decode_step_ms=1",
    "engine.max_num_seqs=64",
    "server.max_body_bytes=65536",
    f"server.client_timeout_s={TIMEOUT_S:g}",
    "embedding.max_waiting_items=100",
)
CONTROL = built(b'{"messages": [{"role": "user", "content": "control"}], "max_tokens": 9, "temperature": 0}')


@pytest.fixture
def errors() -> Iterator[list[logging.LogRecord]]:
    """What is logged as an error: nothing that a client does is one."""
    found: list[logging.LogRecord] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = found.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)


def rss_mib() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def control(server: Wired) -> Client:
    client = server.connect()
    client.send(CONTROL)
    return client


def said(client: Client) -> str:
    (answer,) = client.answers()
    assert answer.status == 200
    return str(json.loads(answer.body)["choices"])


async def tried(server: Wired, some: list[tuple[str, Random]], kind: str) -> list[str]:
    """So many connections at once, each with a case; what is wrong with their answers."""
    asked: list[tuple[str, Request, Client]] = []
    left = 0
    for name, picks in some:
        request, client = KINDS[kind](picks), server.connect()
        for piece in pieces(picks, request.data):
            client.send(piece)
        if picks.random() < 0.05:
            await asyncio.sleep(picks.choice([0, 0.001, 0.01]))
            client.leave()
            left += 1
        else:
            asked.append((name, request, client))
    await asyncio.sleep(3 * TIMEOUT_S)
    return [
        f"{name}: {wrong}\n    sent {request.data[:1500]!r}"
        for name, request, client in asked
        for wrong in complaints(request.data, client.received, closed=client.closed, head=request.head)
    ]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS)
async def test_O1_O2_O7_no_request_brings_a_server_down(kind: str, errors: list[logging.LogRecord]) -> None:
    server = await wired(*SETTINGS)
    before = control(server)
    await asyncio.sleep(1)
    count = share(0.65 * WEIGHTS[kind] / 100)
    left, warm, number = cases(count, kind), 0.0, 0
    while some := [one for one, _ in zip(left, range(AT_ONCE), strict=False)]:
        assert await tried(server, some, kind) == []
        number += len(some)
        if not warm and number >= min(count // 2, 2000):
            warm = rss_mib()
    assert rss_mib() - warm < MAX_GROWTH_MIB
    after = control(server)
    await asyncio.sleep(1)
    assert said(after) == said(before)
    await server.idle()
    exposition = server.service.metrics.exposition().decode()
    await server.stop()
    assert gauges_in_use(exposition) == {}
    assert strange_labels(exposition) == []
    assert series(exposition) < 1500
    assert [record.getMessage() for record in errors] == []


def test_cases_follow_from_their_names() -> None:
    kinds = [KINDS[kind] for kind in KINDS]
    assert [kind(dice("x", 7)) for kind in kinds] == [kind(dice("x", 7)) for kind in kinds]
