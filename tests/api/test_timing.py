"""`Server-Timing`: the parts of a request's time sum to the client's."""

import asyncio
import contextlib
import statistics
import time

import httpx
import pytest

from tests.api.serving import serving
from tests.asgi import ask, chat
from tests.components import options
from vgate.observe.parts import PARTS

# Of a real client's time, what the parts and a round trip without work leave unexplained at most, in the median: the
# event loops of both sides, and of a test machine that does other things beside.
TOLERANCE_MS = 5.0


@pytest.mark.parametrize("batch", options("batch"))
async def test_the_parts_of_a_whole_answer_are_the_clients_time_exactly(batch: str) -> None:
    """In virtual time there is no wire; eight at once, so that some wait."""
    async with serving(f"batch={batch}", "engine.max_num_seqs=3", "queue.max_running=3") as (_, app):
        replies = await asyncio.gather(*(ask(app, chat(str(number))) for number in range(8)))
    for reply in replies:
        assert reply.status == 200
        assert list(reply.timing) == list(PARTS)
        assert sum(reply.timing.values()) == pytest.approx(1e3 * (reply.ended - reply.sent), abs=5e-4)
    assert max(reply.timing["queue"] + reply.timing["batch_wait"] for reply in replies) > 0
    assert all(reply.timing["prefill"] > 0 < reply.timing["decode"] for reply in replies)


async def test_the_parts_of_a_stream_are_the_time_up_to_its_first_byte_exactly() -> None:
    async with serving("engine.max_num_seqs=3") as (_, app):
        replies = await asyncio.gather(*(ask(app, chat(str(number), stream=True)) for number in range(8)))
    for reply in replies:
        assert sum(reply.timing.values()) == pytest.approx(1e3 * (reply.began - reply.sent), abs=5e-4)
        assert reply.ended > reply.began
        assert reply.timing["prefill"] > 0 == reply.timing["decode"]
    assert max(reply.timing["engine_queue"] for reply in replies) > 0


async def test_joined_cached_and_refused_answers_have_exact_parts_too() -> None:
    async with serving("dedup=single_flight") as (_, app):
        whole, joined = await asyncio.gather(ask(app, chat()), ask(app, chat()))
        hit, bad = await ask(app, chat()), await ask(app, {"messages": "nonsense"})
    assert [one.headers["x-vgate-cache"] for one in (whole, joined, hit)] == ["miss", "coalesced", "hit"]
    assert whole.timing == joined.timing
    assert hit.timing == bad.timing == dict.fromkeys(PARTS, 0.0)


async def test_who_is_given_up_on_has_the_parts_up_to_then() -> None:
    async with serving("queue.max_running=1", "engine.decode_step_ms=50") as (_, app):
        late, _ = await asyncio.gather(*(ask(app, chat(text), headers={"X-VGate-Deadline-Ms": "30"}) for text in "ab"))
    assert late.status == 504
    assert sum(late.timing.values()) == pytest.approx(30.0, abs=5e-4)


async def test_only_generating_routes_have_it_and_it_can_be_switched_off() -> None:
    async with serving() as (_, app):
        assert "server-timing" not in (await ask(app, path="/health")).headers
        assert "server-timing" not in (await ask(app)).headers, "a 405"
        assert "server-timing" not in (await ask(app, chat(), path="/nowhere")).headers
    async with serving("server.server_timing=false") as (_, app):
        assert "server-timing" not in (await ask(app, chat())).headers
    async with serving("security=keys", "security.api_keys=[{key: sk-a, name: a}]") as (_, app):
        refused = await ask(app, chat())
        assert (refused.status, sum(refused.timing.values())) == (401, 0)


async def test_embeddings_have_it_with_their_engine_in_one_part() -> None:
    async with serving("embedding=dry_run") as (_, app):
        reply = await ask(app, {"input": ["a", "b"]}, path="/v1/embeddings")
    assert reply.status == 200
    assert reply.timing.keys() == {"gateway", "queue", "batch_wait", "engine"}
    assert sum(reply.timing.values()) == pytest.approx(1e3 * (reply.ended - reply.sent), abs=5e-4)
    assert reply.timing["engine"] > 0


def test_over_a_real_socket_parts_and_wire_are_the_clients_time(client: httpx.Client) -> None:
    """What the client can put down to the wire is a round trip that has no work in it, measured beside."""
    rest = []
    for number in range(40):
        wire = elapsed(lambda: client.get("/health"))
        began = time.perf_counter()
        reply = client.post("/v1/chat/completions", json=chat(f"real {number}"))
        spent = 1e3 * (time.perf_counter() - began)
        parts = [float(part.partition("=")[2]) for part in reply.headers["server-timing"].split(", ")]
        assert sum(parts) <= spent
        rest.append(spent - sum(parts) - wire)
    assert abs(statistics.median(rest)) < TOLERANCE_MS, rest


def elapsed(ask_once: object) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    with contextlib.suppress(httpx.HTTPError):
        ask_once()  # type: ignore[operator]
    return 1e3 * (time.perf_counter() - began)
