"""Three books of the same requests on real vLLM: a client's rows, the gateway's records, vLLM's own counters."""

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httptools
import httpx
import pandas as pd
import pytest

from tests.engine.test_vllm import CHAT, LRU, NO_CACHE, NO_DEDUP, body, strategy
from tests.servers import Server
from vgate.harness import records, server_records
from vgate.harness.exchange import Exchange
from vgate.harness.ledger import disagreements
from vgate.harness.metrics.e2e import e2e_ms
from vgate.harness.metrics.parts import PARTS, parts_ms
from vgate.harness.plan import Outcome
from vgate.harness.prometheus_text import total
from vgate.harness.server import _is_busy

pytestmark = pytest.mark.vllm

SINGLE_FLIGHT = {
    "_target_": "vgate.dedup.single_flight.SingleFlight",
    "scope": "key",
    "sampled": False,
    "max_buffer_bytes": 2**21,
}
REQUESTS, AT_ONCE, TOKENS = 1000, 32, 16


@dataclass
class Asked:
    """leaves: after so many reads of a stream, or hundredths of a second of a whole answer; None: it stays."""

    body: dict[str, Any]
    leaves: int | None = None


def mixed() -> list[Asked]:
    """Streamed and whole, some said before, some at the same time as others, some given up, some wrong."""
    dice, asked = random.Random(0), list[Asked]()
    usage = {"stream_options": {"include_usage": True}}
    while len(asked) < REQUESTS:
        number, kind = len(asked), dice.random()
        fields = {"max_tokens": TOKENS, **({"stream": True, **usage} if dice.random() < 0.6 else {})}
        if kind < 0.5:
            asked.append(Asked(body(f"number {number}", **fields)))
        elif kind < 0.6:  # in all likelihood there already, from a few hundred requests on
            asked.append(Asked(body(f"often {dice.randrange(20)}", **fields)))
        elif kind < 0.7:
            asked.extend([Asked(body(f"together {number}", **fields))] * 3)
        elif kind < 0.9:
            asked.append(Asked(body(f"left {number}", **fields), leaves=dice.randint(1, 8)))
        else:
            wrong = dice.choice([{"temperature": 9}, {"no_such_field": 1}, {"n": 0}, {"messages": []}])
            asked.append(Asked({**body("wrong"), **wrong}))
    return asked[:REQUESTS]


class Reply:
    """What httptools calls while it reads an answer."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.body = exchange.body = bytearray()
        self.whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-vgate-cache":
            self.exchange.cache = value.decode()

    def on_body(self, data: bytes) -> None:
        self.exchange.reads.append((time.monotonic_ns(), len(data)))
        self.body += data

    def on_message_complete(self) -> None:
        self.whole, self.exchange.t_end = True, time.monotonic_ns()


async def ask(port: int, asked: Asked, exchange: Exchange) -> None:
    """A client by hand: only this way it is known when a request was sent that is given up soon after."""
    data, stream = json.dumps(asked.body).encode(), asked.body.get("stream")
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nX-Request-Id: {exchange.request_id}\r\nContent-Length: {len(data)}"
    reply, exchange.t_int = Reply(exchange), time.monotonic_ns()
    parser = httptools.HttpResponseParser(reply)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    exchange.t_send = time.monotonic_ns()
    writer.write(head.encode() + b"\r\n\r\n" + data)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None if asked.leaves is None or stream else asked.leaves / 100):
            while not reply.whole and not (stream and asked.leaves and len(exchange.reads) >= asked.leaves):
                parser.feed_data(await reader.read(65536))
    writer.close()
    if reply.whole:
        exchange.status = parser.get_status_code()
    else:
        exchange.error = "left by the client"


async def ask_all(base_url: str, all_asked: list[Asked]) -> list[Exchange]:
    port, room = int(base_url.rpartition(":")[2]), asyncio.Semaphore(AT_ONCE)
    exchanges = [Exchange(f"{n}", f"r{n}", 0) for n in range(len(all_asked))]

    async def one(asked: Asked, exchange: Exchange) -> None:
        async with room:
            await ask(port, asked, exchange)

    await asyncio.gather(*(one(*pair) for pair in zip(all_asked, exchanges, strict=True)))
    return exchanges


def quiet(server: Server) -> str:
    """The text of /metrics, when nothing is under way."""
    deadline = time.monotonic() + 10
    while _is_busy(text := httpx.get(f"{server.base_url}/metrics", timeout=30).text):
        assert time.monotonic() < deadline
    return text


@dataclass
class Books:
    rows: pd.DataFrame
    server: pd.DataFrame
    metrics: tuple[str, str]

    def grew(self, name: str) -> float:
        return total(self.metrics[1], name) - total(self.metrics[0], name)


def books(server: Server, asked: list[Asked]) -> Books:
    """All are asked, and what the three say of it."""
    server.operate("PUT", "/records", {"limit": len(asked)})
    before = quiet(server)
    exchanges = asyncio.run(ask_all(server.base_url, asked))
    after = quiet(server)
    kept = server_records.frame(server.operate("GET", "/records").text)
    server.operate("DELETE", "/records")
    return Books(records.rows_from(exchanges, Outcome(0, 2**62, 0.0, 0.0, 0.0)), kept, (before, after))


@pytest.fixture(scope="module")
def thousand(vllm_server: Server) -> Books:
    window = strategy("time_window.TimeWindow", 8, 5)
    vllm_server.swap(batch=window, cache=LRU, dedup=SINGLE_FLIGHT)
    return books(vllm_server, mixed())


def test_the_thousand_are_of_all_kinds(thousand: Books) -> None:
    kinds = Counter(thousand.server["cache"].dropna().tolist())
    states = Counter(thousand.server["status"].tolist())
    assert (len(thousand.rows), len(thousand.server)) == (REQUESTS, REQUESTS)
    assert min(kinds["miss"], kinds["hit"], kinds["coalesced"], states[400], states[499]) >= 20
    assert min((thousand.rows["t_tok"].map(len) > 1).sum(), thousand.server["stream"].eq(False).sum()) > 200
    # Some were given up in the midst of their generation, of which vLLM has counted what there was.
    cut = thousand.server["engine_tokens"].between(1, TOKENS - 1)
    assert cut.sum() >= 20


def test_every_request_is_joined_and_the_tokens_of_all_add_up_to_vllms_own_counters(thousand: Books) -> None:
    assert list(disagreements(thousand.rows, thousand.server, thousand.metrics)) == []
    assert thousand.grew("vllm:generation_tokens_total") == thousand.server["engine_tokens"].sum() > 5000
    assert thousand.grew("vllm:prompt_tokens_total") == thousand.server["engine_prompt_tokens"].sum() > 5000


def test_the_parts_of_each_request_sum_to_its_time(thousand: Books) -> None:
    """Of all that had an end; and no part is negative, so the stamps of three processes are of one clock."""
    ended = thousand.rows[thousand.rows["t_end"].notna()]
    whole, parts = e2e_ms(ended), parts_ms(ended, thousand.server)
    fits = (parts.sum(axis=1, skipna=False) - whole).abs() <= (whole / 100).clip(lower=1.0)
    assert len(ended) > 700
    assert fits.mean() >= 0.99
    assert (parts.min(axis=1) >= -0.001).mean() >= 0.99
    generated = parts[(ended["cache"] == "miss") & ended["error"].isna()]
    # Each part is there: none of them is the sum of what the others leave.
    assert all(generated[part].median() > 0 for part in PARTS if part != "queue")


def test_the_engines_parts_are_those_that_vllm_itself_adds_up(thousand: Books) -> None:
    """Its histograms take requests that ran to their end."""
    done = thousand.server[thousand.server["engine_tokens"] == TOKENS]
    assert thousand.grew("vllm:request_success_total") == len(done) > 400
    intervals = {
        "queue": ("t_engine_queued", "t_scheduled"),
        "prefill": ("t_scheduled", "t_first_token"),
        "decode": ("t_first_token", "t_last_token"),
    }
    for name, (begin, end) in intervals.items():
        summed = (done[end] - done[begin]).sum() / 1e9
        assert summed == pytest.approx(thousand.grew(f"vllm:request_{name}_time_seconds_sum"), abs=1e-3)


def test_several_choices_and_several_prompts_are_counted_as_vllm_counts_them(vllm_server: Server) -> None:
    vllm_server.swap(batch=strategy("passthrough.Passthrough", 8, 50), cache=NO_CACHE, dedup=NO_DEDUP)
    vllm_server.operate("PUT", "/records", {"limit": 10})
    before = quiet(vllm_server)
    with httpx.Client(base_url=vllm_server.base_url, timeout=60) as client:
        answers = [
            client.post(CHAT, json=body("three of them", n=3, temperature=1.0)),
            client.post("/v1/completions", json={"prompt": ["one", "and two"], "max_tokens": 5, "ignore_eos": True}),
        ]
    seen = Books(
        pd.DataFrame(), server_records.frame(vllm_server.operate("GET", "/records").text), (before, quiet(vllm_server))
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    assert seen.server["engine_tokens"].tolist() == [48, 10]
    assert seen.grew("vllm:generation_tokens_total") == 58
    assert seen.grew("vllm:prompt_tokens_total") == seen.server["engine_prompt_tokens"].sum()


def test_gauges_are_vllms_own(vllm_server: Server) -> None:
    """As in its metrics, while eight answers are in the making and after them."""
    vllm_server.swap(batch=strategy("passthrough.Passthrough", 8, 50), cache=NO_CACHE, dedup=NO_DEDUP)

    async def look() -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=vllm_server.base_url, timeout=60) as client:
            asking = [asyncio.create_task(client.post(CHAT, json=body(f"n{n}", max_tokens=400))) for n in range(8)]
            most: dict[str, Any] = {"engine_running": 0}
            while not all(task.done() for task in asking):
                now = await asyncio.to_thread(lambda: vllm_server.operate("GET", "/gauges").json())
                most = max(most, now, key=lambda gauges: gauges["engine_running"])
            return most

    most = asyncio.run(look())
    assert most["engine_running"] == most["running"] == most["in_flight"] == 8
    assert 0 < most["kv_usage"] < 1
    quiet(vllm_server)
    after = vllm_server.operate("GET", "/gauges").json()
    assert (after["engine_running"], after["engine_waiting"], after["in_flight"]) == (0, 0, 0)
