"""The live page and its numbers, without a browser."""

import re
from pathlib import Path
from typing import Any

import httpx

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
    data = dashboard_data(made, 2.0)
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


async def test_limits_are_told_of_every_key() -> None:
    made = service("security=keys", KEYS, "security.rate_limiting.default_limit=60")
    limits = dashboard_data(made, 0.0)["limits"]
    assert limits["window_s"] == 60.0
    assert {name: limit["requests"] for name, limit in limits["keys"].items()} == {"a": 7, "b": 60}
    await made.close()
    made = service("security=keys", KEYS, "security.rate_limiting.enabled=false")
    assert dashboard_data(made, 0.0)["limits"] == {"window_s": None, "keys": {"a": {}, "b": {}}}
    await made.close()
    made = service("security=none")
    assert dashboard_data(made, 0.0)["limits"] == {"window_s": None, "keys": {}}
    await made.close()


async def test_a_percentile_of_too_few_requests_is_refused_and_the_number_told() -> None:
    made = service()
    for number in range(43):
        finished(made, number)
    data = dashboard_data(made, 1.0)
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
    data = dashboard_data(made, 0.0)
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
