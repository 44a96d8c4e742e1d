"""The admin routes: behind the token by TCP, without one by the Unix socket, in OpenAI's error form everywhere."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.servers import Server, running
from vgate.admin.http import FAILURES, HttpAdmin
from vgate.api.admin import build_admin
from vgate.api.admin_door import MAX_BODY_BYTES, OPEN, Door
from vgate.build import build_service
from vgate.config import get_config

TOKEN = "0123456789-abcdef"
RIGHT = {"authorization": f"Bearer {TOKEN}"}
ROUTES = [(route, method) for route, methods in {
    "/swap": ["POST"], "/reload": ["POST"], "/reset": ["POST"], "/cache": ["GET", "DELETE"],
    f"/cache/{'0' * 64}": ["DELETE"],
    "/records": ["PUT", "GET", "DELETE"], "/gauges": ["GET"], "/nothing": ["GET"], "/": ["GET"], "/dashboard/": ["GET"],
    "/dashboard/data": ["GET"], "//dashboard": ["GET"], "/Dashboard": ["GET"], "/dashboard/../gauges": ["GET"],
}.items() for method in methods]  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("+preset=dry_run", "admin=http", "admin.port=0", f"admin.token={TOKEN}") as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    port = server.find("admin port listening")[0]["port"]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        yield client


@pytest.mark.parametrize(("route", "method"), ROUTES)
def test_O8_every_route_needs_the_token(client: httpx.Client, route: str, method: str) -> None:
    """Also those that do not exist: who may not ask learns nothing. Cookies, queries and bodies are not looked at."""
    beside = {
        "cookie": f"token={TOKEN}; authorization=Bearer {TOKEN}",
        "x-token": TOKEN,
        "origin": "http://evil.example",
    }
    url = f"{client.base_url}{route}"
    for answer in (client.request(method, url), client.request(method, f"{url}?token={TOKEN}", headers=beside)):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "invalid_admin_token"


def test_a_page_in_a_browser_gets_nothing(client: httpx.Client) -> None:
    """Neither from another origin, for its preflight is refused, nor by a name that is rebound to here."""
    asking = {"origin": "http://evil.example", "access-control-request-method": "POST",
              "access-control-request-headers": "authorization"}  # fmt: skip
    preflight = client.options("/reload", headers=asking)
    assert preflight.status_code == 401
    assert not [name for name in preflight.headers if name.startswith("access-control-")]
    rebound = client.get("/gauges", headers={"host": "evil.example"})
    assert rebound.status_code == 401


def test_with_the_token_everything_is_there(client: httpx.Client) -> None:
    client.headers.update(RIGHT)
    assert client.get("/gauges").json()["in_flight"] == 0
    assert client.post("/reset").json() == {"ok": True}
    assert client.get("/cache").json() == {"entries": []}
    assert client.put("/records", json={"limit": 5}).status_code == 200
    assert client.get("/records").status_code == 200
    assert client.delete("/records").status_code == 200
    assert client.post("/swap", json={}).json()["ok"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/swap", 405)])
def test_errors_have_openai_form(client: httpx.Client, server: Server, method: str, path: str, status: int) -> None:
    for answer in (client.request(method, path, headers=RIGHT), server.operate(method, path)):
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_the_unix_socket_asks_for_no_token(server: Server) -> None:
    assert server.operate("GET", "/gauges").status_code == 200


def test_clients_have_no_admin_routes(server: Server) -> None:
    for route, method in ROUTES:
        assert httpx.request(method, server.base_url + route, headers=RIGHT).status_code == 404


def test_O6_the_token_is_not_in_the_log(client: httpx.Client, server: Server) -> None:
    client.get("/gauges", headers=RIGHT)
    client.get(f"/gauges?token={TOKEN}")
    assert TOKEN not in str(server.lines)


def behind_the_door(admin: HttpAdmin | None = None) -> httpx.AsyncClient:
    admin = admin or HttpAdmin("127.0.0.1", 0, TOKEN, None, None)
    app = Door(admin, build_admin(build_service(get_config("+preset=dry_run"))))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin", headers=RIGHT)


@pytest.mark.real_time
async def test_O7_bodies_are_bounded_too() -> None:
    async with behind_the_door() as client:
        for method, path in (("POST", "/swap"), ("PUT", "/records")):
            answer = await client.request(method, path, content=b" " * (MAX_BODY_BYTES + 1))
            assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
        deep = b'{"cache": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        assert (await client.post("/swap", content=deep)).status_code == 400
        assert (await client.post("/swap", content=b"no JSON")).json()["error"]["code"] == "invalid_json"
    await asyncio.sleep(0.01)  # for what reads a body to be put away


@pytest.mark.real_time
async def test_failures_are_bounded() -> None:
    async with behind_the_door() as client:
        answers = [await client.get("/gauges", headers={"authorization": "Bearer x"}) for _ in range(FAILURES + 5)]
        found = [answer.status_code for answer in answers]
        assert found == [401] * FAILURES + [429] * 5
        assert answers[-1].headers["retry-after"] == "1"
        assert answers[-1].json()["error"]["code"] == "too_many_failures"


@pytest.mark.real_time
async def test_the_open_page_is_open_and_nothing_else_is_like_it() -> None:
    assert {"/dashboard"} == OPEN
    async with behind_the_door() as client:
        del client.headers["authorization"]
        assert (await client.get("/dashboard")).status_code in (200, 404)
        assert (await client.get("/dashboard/data")).status_code == 401


def test_a_taken_port_is_told_in_one_line(client: httpx.Client, server: Server) -> None:
    from tests.test_serve import serve

    port = client.base_url.port
    done = serve("+preset=dry_run", "server.port=0", "admin=http", f"admin.port={port}", f"admin.token={TOKEN}")
    assert done.returncode == 2
    assert done.stderr == f"vgate: admin.host, admin.port = '127.0.0.1:{port}': Address already in use\n"


def test_another_address_is_warned_of() -> None:
    with running(
        "+preset=dry_run",
        "server.host=0.0.0.0",
        "admin=http",
        "admin.host=0.0.0.0",
        "admin.port=0",
        f"admin.token={TOKEN}",
    ) as server:
        server.wait_for("whoever reaches this address may ask: there are no keys (security=keys)", level="warning")
        told = server.wait_for("the admin port can be reached from elsewhere, and its token travels unencrypted")
        assert told[0]["level"] == "warning"
