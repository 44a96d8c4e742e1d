"""The last minute: what is in it, what has left it, and that it stays small."""

import asyncio
import json
from typing import Any

import pytest

from tests.calls import ask, chat
from tests.gateways import dry_run, gateway
from vgate.observe.recent import ERRORS, KEYS, Recent
from vgate.record import Record
from vgate.types import Batch, Usage

CHAT = "/v1/chat/completions"


def now() -> float:
    return asyncio.get_running_loop().time()


def end(recent: Recent, **fields: Any) -> Record:
    """A request that has arrived half a second ago and ends now."""
    usual: dict[str, Any] = {"endpoint": CHAT, "method": "POST", "status": 200, "caller": "ann", "request_id": "r"}
    record = Record(arrived=now() - 0.5, finished=now(), **(usual | fields))
    recent.started(record)
    recent.finished(record)
    return record


async def test_a_server_that_did_nothing() -> None:
    snapshot = Recent().snapshot(now())
    assert snapshot["requests"] == {"n": 0, "per_s": 0.0, "by_status": {}, "broken": 0, "last_60": [0] * 60}
    assert snapshot["ttft_s"] == {"n": 0, "p50": None, "p90": None, "p99": None}
    assert snapshot["cache"]["hit_rate"] is snapshot["cache"]["coalesced_rate"] is None
    assert snapshot["keys"] == snapshot["last_errors"] == snapshot["batch_sizes"] == []


async def test_rates_are_of_the_last_minute_and_of_less_after_the_start() -> None:
    recent = Recent()
    recent.begin(now())
    await asyncio.sleep(10)
    for _ in range(20):
        end(recent)
    snapshot = recent.snapshot(now())
    assert (snapshot["window_s"], snapshot["uptime_s"], snapshot["requests"]["per_s"]) == (10, 10, 2.0)
    assert snapshot["requests"]["last_60"] == [0] * 59 + [20]
    await asyncio.sleep(59.5)
    snapshot = recent.snapshot(now())
    assert (snapshot["window_s"], snapshot["requests"]["n"]) == (59.5, 20)
    await asyncio.sleep(1)
    assert recent.snapshot(now())["requests"]["n"] == 0


async def test_only_who_asks_a_model_is_a_request() -> None:
    recent = Recent()
    end(recent, endpoint="/health", method="GET")
    end(recent, endpoint="other")
    end(recent, method="GET")
    assert recent.snapshot(now())["requests"]["n"] == recent.snapshot(now())["in_flight"] == 0


async def test_percentiles_are_refused_below_the_number_that_they_need() -> None:
    recent = Recent()
    for _ in range(44):
        end(recent)
    lengths = recent.snapshot(now())["e2e_s"]
    assert lengths == {"n": 44, "p50": pytest.approx(0.5, 0.0101), "p90": pytest.approx(0.5, 0.0101), "p99": None}


async def test_where_answers_came_from() -> None:
    recent = Recent()
    for cache in ["hit", "hit", "miss", "coalesced", "partial(1/2)", "bypass(sampled)", ""]:
        end(recent, cache=cache)
    told = {"hits": 2, "misses": 2, "coalesced": 1, "bypassed": 1, "hit_rate": 0.4, "coalesced_rate": 0.2}
    assert recent.snapshot(now())["cache"] == told


async def test_the_use_of_keys_the_busiest_first_and_so_many_at_most() -> None:
    recent = Recent()
    for number in range(KEYS + 5):
        end(recent, caller=f"key-{number:03}", usage=Usage(3, 4))
    end(recent, caller="key-104", status=429)
    end(recent, caller="", status=401)
    snapshot = recent.snapshot(now())
    assert snapshot["keys"][0] == {
        "name": "key-104", "requests": 2, "errors": 1, "prompt_tokens": 3, "completion_tokens": 4,
    }  # fmt: skip
    assert (len(snapshot["keys"]), snapshot["keys_left_out"]) == (KEYS, 5)


async def test_the_last_errors_are_kept_however_old_and_say_nothing_of_the_prompt() -> None:
    recent = Recent()
    for number in range(ERRORS + 5):
        end(recent, request_id=f"r{number}", status=500, code="server_error", error="secret prompt")
    end(recent, request_id="broken", error="secret", code="not_ready")
    end(recent, request_id="none", endpoint="/health", method="GET", status=404, caller="")
    await asyncio.sleep(3600)
    errors = recent.snapshot(now())["last_errors"]
    assert len(errors) == ERRORS
    assert [error["request_id"] for error in errors[:3]] == ["none", "broken", "r24"]
    assert (errors[1]["status"], errors[1]["code"], errors[1]["key"]) == (200, "not_ready", "ann")
    assert errors[1]["ago_s"] == 3600
    assert "secret" not in json.dumps(errors)


async def test_limits_sheds_and_batches() -> None:
    recent = Recent()
    recent.refused("full")
    recent.limited("allowed")
    recent.limited("requests")
    for size in (1, 4, 4):
        recent.batch_done(Batch(size, size, 0.0, 0, tokens=10), now())
    snapshot = recent.snapshot(now() + 1)
    assert (snapshot["dropped"], snapshot["limiter"]) == ({"full": 1}, {"allowed": 1, "requests": 1})
    assert snapshot["batch_sizes"] == [[1, 1], [4, 2]]
    assert snapshot["tokens"] == {"n": 30, "per_s": 30.0}


async def test_what_a_gateway_tells_of_its_generations() -> None:
    recent, engine = Recent(), await dry_run()
    gate = gateway(engine, observer=recent)
    for _ in range(7):
        await ask(gate, chat(stream=True, max_tokens=4))
    snapshot = recent.snapshot(now())
    assert [snapshot[name]["n"] for name in ("ttft_s", "tpot_s", "admission_wait_s")] == [7, 7, 7]
    assert snapshot["ttft_s"]["p50"] > snapshot["tpot_s"]["p50"] > 0
    assert (snapshot["running"], snapshot["waiting"]) == (0, 0)
    await engine.stop()


async def test_it_is_json_and_stays_small_whatever_comes() -> None:
    recent = Recent()
    for number in range(2000):
        end(recent, status=200 + number % 300, request_id="x" * 128, code="c" * 1000, user=f"u{number}")
        await asyncio.sleep(0.11)
    text = json.dumps(recent.snapshot(now()))
    assert len(text) < 20_000
    assert len(recent._seconds) <= 60
