"""The live page and its numbers, without a browser."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.api.serving import serving
from tests.asgi import ask, chat
from tests.workers.rigs import NO_HINT, Fleet, Lists, running, spec, specs
from vgate.api.admin import build_admin
from vgate.api.dashboard import live_page
from vgate.api.dashboard_data import dashboard_data
from vgate.api.service import Service
from vgate.build import build_service
from vgate.config import compose
from vgate.config.graph import graph_hash
from vgate.record import Record

LIVE = Path(__file__).parents[2] / "vgate/api/live"
KEYS = "security.api_keys=[{key: sk-secret-a, name: a, rate_limit: 7}, {key: sk-secret-b, name: b}]"


def service(*overrides: str) -> Service:
    return build_service(compose("serve", ["+preset=dry_run", *overrides]).settings)


def finished(made: Service, number: int, **changes: Any) -> None:
    """A request that ends now."""
    record = Record(f"r{number}", "/v1/chat/completions", "POST", 0.0, status=200, finished=0.5)
    for name, value in changes.items():
        setattr(record, name, value)
    made.observer.started(record)
    made.observer.finished(record)


async def test_data_tells_what_the_server_is_and_does() -> None:
    made = service("batch=lockstep", "cache=lru", "security=keys", KEYS)
    for number in range(6):
        finished(made, number, caller="a")
    finished(made, 6, status=429, code="rate_limit_exceeded", finished=1.0)
    data = await dashboard_data(made, 2.0)
    assert data["server"]["graph"] == graph_hash(made.settings)
    assert data["choices"] == {
        "batch": "lockstep",
        "queue": "fifo",
        "cache": "lru",
        "dedup": "none",
        "security": "keys",
    }
    assert data["server"]["ready"] is data["engine"]["ready"] is False
    assert data["recent"]["requests"]["by_status"] == {"200": 6, "429": 1}
    assert [error["request_id"] for error in data["recent"]["last_errors"]] == ["r6"]
    assert data["gauges"]["in_flight"] == 0
    await made.close()


async def limits_of(made: Service) -> dict[str, Any]:
    limits: dict[str, Any] = (await dashboard_data(made, 0.0))["limits"]
    return limits


async def test_limits_are_told_of_every_key() -> None:
    made = service("security=keys", KEYS, "security.rate_limiting.default_limit=60")
    limits = await limits_of(made)
    assert (limits["window_s"], limits["left_out"]) == (60.0, 0)
    assert {name: limit["requests"] for name, limit in limits["keys"].items()} == {"a": 7, "b": 60}
    await made.close()
    made = service("security=keys", KEYS, "security.rate_limiting.enabled=false")
    assert await limits_of(made) == {"window_s": None, "keys": {"a": {}, "b": {}}, "left_out": 0}
    await made.close()
    made = service("security=none")
    assert await limits_of(made) == {"window_s": None, "keys": {}, "left_out": 0}
    await made.close()


async def test_what_each_key_has_used_of_its_limits_is_told_and_looking_uses_nothing() -> None:
    """Tokens of a request under way are those that it has reserved; at its end it gives back what is over."""
    key = "{key: sk-a, name: a, rate_limit: 7, token_limit: 1000, concurrency: 3}"
    async with serving("security=keys", f"security.api_keys=[{key}, {{key: sk-b, name: b}}]") as (made, app):
        asked = {"Authorization": "Bearer sk-a"}
        replies = [await ask(app, chat(text, max_tokens=6), headers=asked) for text in "xy"]
        under_way = asyncio.create_task(ask(app, chat(max_tokens=100), headers=asked))
        await asyncio.sleep(0.05)
        during = (await limits_of(made))["keys"]
        replies.append(await under_way)
        tokens = sum(orjson.loads(reply.body)["usage"]["total_tokens"] for reply in replies)
        after = [(await limits_of(made))["keys"] for _ in range(3)][-1]
        used = {"requests": 7, "requests_used": 3, "tokens": 1000, "tokens_used": tokens, "concurrency": 3}
        assert after["a"] == used
        assert during["a"]["tokens_used"] > used["tokens_used"]
        unused = {"requests": 60, "requests_used": 0, "tokens": None, "tokens_used": None, "concurrency": None}
        assert after["b"] == unused
        await asyncio.sleep(60)
        assert (await limits_of(made))["keys"]["a"]["tokens_used"] == 0


async def test_of_many_keys_a_hundred_are_told_first_those_that_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the hash of a configuration that long is not computed each second."""
    keys = ", ".join(f"{{key: sk-{number}, name: k{number}}}" for number in range(300))
    made = service("security=keys", f"security.api_keys=[{keys}]")
    for number in range(3):
        finished(made, number, caller="k299")
    data = await dashboard_data(made, 1.0)
    assert (len(data["limits"]["keys"]), data["limits"]["left_out"]) == (100, 200)
    assert list(data["limits"]["keys"])[:2] == ["k299", "k0"]
    assert len(orjson.dumps(data)) < 30_000
    monkeypatch.setattr("vgate.api.service.graph_hash", lambda _settings: pytest.fail("computed again"))
    assert (await dashboard_data(made, 2.0))["server"] == data["server"]
    await made.close()


async def test_the_graph_is_that_of_what_runs_now() -> None:
    made, other = service(), service("cache=lru")
    before = made.graph
    made.settings = other.settings
    assert (before, made.graph) == (graph_hash(service().settings), graph_hash(other.settings))
    for one in (made, other):
        await one.close()


async def test_an_engine_that_serves_nothing_is_not_told_to_be_ready() -> None:
    async with serving("embedding=none") as (made, _):
        data = await dashboard_data(made, 0.0)
        assert (data["engine"]["ready"], data["embedding"]["ready"]) == (True, None)
    async with serving("engine=none", "embedding=dry_run") as (made, _):
        data = await dashboard_data(made, 0.0)
        assert (data["engine"]["ready"], data["embedding"]["ready"]) == (None, True)


async def test_workers_are_told_as_their_pool_sees_them_and_of_many_those_with_trouble() -> None:
    fleet, made = Fleet(), service()
    assert (await dashboard_data(made, 0.0))["workers"] is None
    for name in ("w1", "w109"):
        fleet.down(name)
    async with running(Lists([spec(0, max_concurrency=4), *specs(110)[1:]]), fleet) as pool:
        await asyncio.sleep(0.1)
        made.engine.pool = pool
        (one,) = [member for member in pool.members if member.worker.name == "w0"]
        pool.lease("m", NO_HINT, [member.worker for member in pool.members if member is not one])
        for _ in range(5):
            one.breaker.ended("failed", 0.0, trial=False)
        data = (await dashboard_data(made, 0.2))["workers"]
    await made.close()
    assert (len(data["list"]), data["left_out"], data["retries"]) == (100, 10, {"allowed": 0, "refused": 0})
    told = {worker.pop("name"): worker for worker in data["list"]}
    assert told["w0"] == {
        "state": "ready",
        "breaker": "open",
        "opened": 1,
        "in_flight": 1,
        "max_concurrency": 4,
        "ended": {"ok": 0, "failed": 0, "busy": 0, "left": 0},
    }
    assert told["w1"]["state"] == told["w109"]["state"] == "down"
    assert list(told) == sorted(told)


async def test_the_last_errors_name_the_key_whose_limit_it_was_and_none_where_none_was_shown() -> None:
    """Nor one that is not known: the name is no claim of the client's."""
    keys = "security.api_keys=[{key: sk-a, name: a, rate_limit: 1}, {key: sk-b, name: b, concurrency: 1}]"
    async with serving("security=keys", keys, "security.pre_auth.failures_per_second=2") as (made, app):
        shown = ["Bearer sk-a"] * 2 + ["Bearer a", "Bearer sk-aa", "Bearer", "a", None]
        for header in shown:
            await ask(app, chat(), headers={"Authorization": header} if header else {})
        await asyncio.gather(*(ask(app, chat(), headers={"Authorization": "Bearer sk-b"}) for _ in range(2)))
        errors = (await dashboard_data(made, 0.0))["recent"]["last_errors"]
        used = {use["name"] for use in (await dashboard_data(made, 0.0))["recent"]["keys"]}
    told = [(error["status"], error["code"], error["key"]) for error in reversed(errors)]
    assert told[0] == (429, "rate_limit_exceeded", "a")
    assert told[-1] == (429, "concurrency_limit_exceeded", "b")
    assert {key for _, _, key in told[1:-1]} == {""}
    assert {status for status, _, _ in told[1:-1]} == {401}
    assert used == {"a", "b"}


async def test_a_percentile_of_too_few_requests_is_refused_and_the_number_told() -> None:
    made = service()
    for number in range(43):
        finished(made, number)
    data = await dashboard_data(made, 1.0)
    assert data["minimum_n"] == {"50": 7, "90": 44, "99": 459}
    assert data["recent"]["e2e_s"]["p50"] is not None
    assert data["recent"]["e2e_s"]["p90"] is None
    await made.close()


async def test_the_routes_hold_no_secret_and_the_page_no_data() -> None:
    made = service("security=keys", KEYS, "model.served_model_name=the-model")
    transport = httpx.ASGITransport(build_admin(made))
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
        page, data = await client.get("/dashboard"), await client.get("/dashboard/data")
    assert page.status_code == data.status_code == 200
    assert "sk-secret" not in page.text + data.text
    assert data.json()["server"]["model"] == "the-model"
    assert "the-model" not in page.text
    assert data.headers["cache-control"] == page.headers["cache-control"] == "no-store"
    await made.close()


def test_the_page_may_do_nothing_but_run_its_own_script_and_ask_its_server() -> None:
    page, headers = live_page()
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("connect-src") == "'self'"
    assert policy.pop("img-src") == "data:"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", policy.pop("script-src"))
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", policy.pop("style-src"))
    assert set(policy.values()) == {"'none'"}
    assert "{{" not in page
    assert not re.search(r"<[^>]+\s(on\w+|style|src)=", page.partition("<script>")[0])
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_values_never_become_markup() -> None:
    for path in LIVE.glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", path.read_text()), path


async def test_every_value_of_the_page_is_in_the_data() -> None:
    made = service()
    data = await dashboard_data(made, 0.0)
    page = (LIVE / "page.html").read_text(encoding="utf-8")
    paths = set(re.findall(r'data-value="([\w.]+)"', page))
    paths |= {path for lines in re.findall(r'data-lines="([^"]+)"', page) for path in re.findall(r"([\w.]+):", lines)}
    assert len(paths) > 30
    for path in sorted(paths - {"each_second"}):
        inner: Any = data
        for name in path.split("."):
            assert name in inner, path
            inner = inner[name]
    await made.close()
