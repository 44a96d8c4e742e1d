"""A server under thousands of requests that break off, time out and repeat each other: nothing is left behind."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.storm import Storm
from tests.components import options, section
from tests.servers import Server, running

WARM_UP, REQUESTS, AT_ONCE = 5_000, 20_000, 48
SETTINGS = (
    "+preset=dry_run",
    "engine.decode_step_ms=1",
    "engine.decode_step_per_seq_ms=0",
    "engine.max_num_seqs=24",
    "queue.max_waiting=12",
    "cache.maxsize=100",
    "dedup=single_flight",
    *(f"engine.faults.{kind}=0.02" for kind in ("error_before", "error_after", "drop", "slow", "split")),
    "engine.faults.hang=0.005",
    "engine.faults.crash=0.001",
    "engine.restart.backoff_s=0.02",
    "engine.restart.max_backoff_s=0.02",
    "engine.restart.max_attempts=1000",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(*SETTINGS) as server:
        yield server


def rss_kib(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1])


def storm(server: Server, seed: int, count: int) -> Storm:
    made = Storm(int(server.base_url.rpartition(":")[2]), seed)
    asyncio.run(made.run(count, AT_ONCE))
    return made


@pytest.mark.timeout(600)
def test_O2_R5_after_a_storm_every_gauge_is_zero_and_memory_is_back(server: Server) -> None:
    """All strategies in turn, exchanged while the storm goes on."""
    storm(server, seed=0, count=WARM_UP)
    before = rss_kib(server)
    ended: dict[str, int] = {}
    strategies = options("batch")
    for seed, strategy in enumerate(strategies, 1):
        assert server.admin("/swap", {"batch": section("batch", strategy)}).status_code == 200
        part = storm(server, seed, REQUESTS // len(strategies))
        assert part.wrong == []
        ended = {how: ended.get(how, 0) + part.ended[how] for how in ended.keys() | part.ended.keys()}
    time.sleep(1)
    assert {"200", "200 stream", "400", "500", "502", "503", "504", "soon", "in the body"} <= ended.keys(), ended
    assert {"broken off with an error", "gave up"} <= ended.keys(), ended
    assert server.metric("vgate_queue_waiting") == 0
    assert server.metric("vgate_engine_running") == 0
    assert server.metric("vgate_requests_in_flight") == 1  # the one that reads this
    assert server.metric("vgate_queue_dropped_total") > 0
    assert server.metric("vgate_engine_restarts_total") > 0
    assert rss_kib(server) <= 1.05 * before
