"""What metrics and `Server-Timing` say of requests that did not go the usual way, against what has happened to them."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.serving import serving
from tests.api.wire import wired
from tests.asgi import ask, chat
from tests.components import options
from tests.observe.prometheus.scraping import value
from vgate.api.service import Service
from vgate.types import Call, Job

EMBEDDINGS = "/v1/embeddings"
# One item at a time, 100 ms each.
SLOW = ("embedding=dry_run", "embedding.step_ms=100", "embedding.max_batch_items=1", "cache=lru", "dedup=single_flight")
TEN_MS = ("engine.decode_step_ms=10", "engine.decode_step_per_seq_ms=0")


def dropped(service: Service) -> dict[str, float | None]:
    name = "vgate_queue_dropped_total"
    found = {reason: value(service.metrics, name, reason=reason) for reason in ("full", "deadline", "left")}
    recent = service.recent.snapshot(asyncio.get_running_loop().time())["dropped"]
    assert recent == {reason: count for reason, count in found.items() if count}, "the page says the same"
    return found


def embed(*items: str) -> dict[str, Any]:
    return {"input": list(items)}


@pytest.mark.parametrize("dedup", options("dedup"))
@pytest.mark.parametrize("stream", [False, True])
async def test_the_tokens_of_an_answer_whose_client_left_are_those_that_the_engine_made(
    stream: bool, dedup: str
) -> None:
    async with serving(*TEN_MS, f"dedup={dedup}") as (service, app):
        await ask(app, chat(stream=stream, max_tokens=100, temperature=0), leave_after_s=0.3)
        await asyncio.sleep(1)
        made = service.recent.snapshot(asyncio.get_running_loop().time())["tokens"]["n"]
        assert made == value(service.metrics, "vgate_tokens_generated_total")
    assert 25 <= made <= 31


async def test_the_tokens_of_a_whole_answer_that_its_engine_broke_off_too() -> None:
    faults = ("engine.faults.error_after=1", "engine.faults.after_tokens=40")
    async with serving(*faults) as (service, app):
        assert (await ask(app, chat(max_tokens=100))).status == 500
        assert 1 <= (value(service.metrics, "vgate_tokens_generated_total") or 0) <= 40


@pytest.mark.parametrize("dedup", options("dedup"))
@pytest.mark.parametrize("batch", ["passthrough", "lockstep"])
async def test_every_request_that_its_deadline_kept_out_is_counted(
    batch: str, dedup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was over before it could begin to wait, as its engine was still reading it; and some that wait."""
    fields: dict[str, Any] = {"temperature": 0, "max_tokens": 50}
    async with serving(*TEN_MS, f"batch={batch}", f"dedup={dedup}", "queue.max_running=1") as (service, app):
        prepare = service.engine.prepare

        async def reads_slowly(call: Call) -> Job:
            await asyncio.sleep(0.05)
            return await prepare(call)

        with monkeypatch.context() as patched:
            patched.setattr(service.engine, "prepare", reads_slowly)
            at_once = {"X-VGate-Deadline-Ms": "20"}
            assert (await ask(app, chat("at once", **fields), headers=at_once)).status == 504
        assert dropped(service) == {"full": 0, "deadline": 1, "left": 0}
        soon = {"X-VGate-Deadline-Ms": "100"}
        long = asyncio.create_task(ask(app, chat("long", **fields)))
        await asyncio.sleep(0.01)
        late = await asyncio.gather(*(ask(app, chat(text, **fields), headers=soon) for text in "abc"))
        assert [reply.status for reply in late] == [504] * 3
        assert dropped(service) == {"full": 0, "deadline": 4, "left": 0}
        assert (await long).status == 200


async def test_an_answer_whose_deadline_passes_in_the_engine_was_not_kept_out() -> None:
    async with serving(*TEN_MS) as (service, app):
        late = await ask(app, chat(max_tokens=50), headers={"X-VGate-Deadline-Ms": "100"})
        assert late.status == 504
        assert dropped(service) == {"full": 0, "deadline": 0, "left": 0}


async def test_embeddings_that_were_not_admitted_are_counted_by_reason() -> None:
    async with serving(*SLOW, "embedding.max_waiting_items=4") as (service, app):
        first = asyncio.create_task(ask(app, embed("first"), EMBEDDINGS))
        await asyncio.sleep(0.01)
        late = ask(app, embed("late"), EMBEDDINGS, {"X-VGate-Deadline-Ms": "50"})
        gone = ask(app, embed("gone"), EMBEDDINGS, leave_after_s=0.05)
        full = ask(app, embed(*"abcde"), EMBEDDINGS)
        inside = ask(app, embed("first"), EMBEDDINGS, {"X-VGate-Deadline-Ms": "50"})  # joins one that is in the engine
        replies = await asyncio.gather(late, gone, full, inside)
        assert [reply.status for reply in replies] == [504, 0, 400, 504]
        assert dropped(service) == {"full": 0, "deadline": 1, "left": 1}
        waits = [asyncio.create_task(ask(app, embed(text, text + "!"), EMBEDDINGS)) for text in "xy"]
        await asyncio.sleep(0.01)
        assert (await ask(app, embed("z"), EMBEDDINGS)).status == 503
        assert dropped(service) == {"full": 1, "deadline": 1, "left": 1}
        assert [(await task).status for task in (first, *waits)] == [200] * 3
        assert value(service.metrics, "vgate_embedding_items_waiting") == 0


def refusals() -> Iterator[Any]:
    """Bodies, and where to."""
    yield chat(temperature=0, nonsense=1), "/v1/chat/completions"
    yield chat(temperature=0, model="another"), "/v1/chat/completions"
    yield embed("known", "word " * 40_000), EMBEDDINGS


async def test_what_could_never_have_been_a_hit_is_no_miss() -> None:
    """Else a client that sends nonsense would make the cache look worse than it is."""
    async with serving("cache=lru", "embedding=dry_run") as (service, app):
        for _ in range(2):
            await ask(app, chat(temperature=0))
            await ask(app, embed("known"), EMBEDDINGS)
        for body, path in refusals():
            assert (await ask(app, body, path)).status in (400, 404)
        counts = [value(service.metrics, f"vgate_cache_{name}_total") for name in ("hits", "misses")]
        shared = service.recent.snapshot(asyncio.get_running_loop().time())["cache"]
    assert counts == [shared["hits"], shared["misses"]] == [2, 2]
    assert shared["hit_rate"] == 0.5


async def test_an_embedding_from_the_cache_is_all_gateway_and_a_joined_one_has_its_engines_part() -> None:
    async with serving(*SLOW) as (_, app):
        first = asyncio.create_task(ask(app, embed("same"), EMBEDDINGS))
        await asyncio.sleep(0.04)
        joined = await ask(app, embed("same"), EMBEDDINGS)
        hit = await ask(app, embed("same"), EMBEDDINGS)
    verdicts = [reply.headers["x-vgate-cache"] for reply in (await first, joined, hit)]
    assert verdicts == ["miss", "coalesced", "hit"]
    assert (joined.timing["queue"], joined.timing["engine"]) == (0, pytest.approx(60, abs=0.1))
    assert sum(joined.timing.values()) == pytest.approx(1e3 * (joined.ended - joined.sent), abs=5e-4)
    assert hit.timing["queue"] == 0


@pytest.mark.parametrize(
    ("sent", "labels"),
    [
        (b"nonsense\r\n\r\n", {"endpoint": "other", "method": "other", "status": "400"}),
        (b"GET /health HTTP/1.1\r\nX: %b\r\n\r\n" % (b"x" * 70_000), {"endpoint": "other", "status": "431"}),
        (
            b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            {"endpoint": "/v1/completions", "method": "POST", "status": "400"},
        ),
    ],
    ids=["no HTTP", "headers too large", "a body that breaks"],
)
async def test_what_the_protocol_refuses_is_one_request_and_one_line_of_the_log(
    sent: bytes, labels: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    server = await wired()
    client = server.connect()
    client.send(sent)
    await asyncio.sleep(1)
    [answer] = client.answers()
    await server.idle()
    metrics = server.service.metrics
    assert value(metrics, "vgate_requests_total", **{"method": "other", **labels}) == 1
    assert sum(row["value"] for row in metrics.stats()["vgate_requests_total"]) == 1
    assert value(metrics, "vgate_requests_in_flight") == 0
    [line] = [line for line in caplog.records if line.message.startswith("request ")]
    assert vars(line)["status"] == answer.status == int(labels["status"])
    assert line.message == "request done"
    errors = server.service.recent.snapshot(asyncio.get_running_loop().time())["last_errors"]
    assert [error["status"] for error in errors] == [answer.status]
    await server.stop()
