"""What runs in a replica, without Ray around it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.config.composing import serve
from vgate.build import build_service
from vgate.config.replica import replica_of
from vgate.engine.ray_replica import Gate, Hosted

pytestmark = pytest.mark.real_time

QUESTION = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 20}


@contextlib.asynccontextmanager
async def hosted(*settings: str) -> AsyncIterator[tuple[Hosted, httpx.AsyncClient]]:
    """One that runs, and a client that has its key."""
    service = build_service(replica_of(serve("+preset=ray", "ray.engine=dry_run", *settings).settings))
    replica = Hosted(service, "127.0.0.1")
    await replica.start()
    key = {"authorization": f"Bearer {replica.key}"}
    async with httpx.AsyncClient(base_url=replica.url, headers=key, timeout=20) as client:
        try:
            yield replica, client
        finally:
            await replica.end(0.0, 5.0)


async def test_it_answers_who_has_its_key_alone() -> None:
    async with hosted() as (replica, client):
        assert (await client.post("/v1/chat/completions", json=QUESTION)).status_code == 200
        for headers in ({"authorization": "Bearer other"}, {"authorization": ""}, {"authorization": "Bearer \xe9"}):
            encoded = {name: value.encode("latin-1") for name, value in headers.items()}
            refused = await client.post("/v1/chat/completions", json=QUESTION, headers=encoded)
            assert refused.status_code == 401
            assert replica.key not in refused.text


async def test_health_is_the_engines_and_its_death_is_told() -> None:
    async with hosted("ray.settings.faults.crash=1.0") as (replica, client):
        assert replica.why_not() == ""
        assert (await client.post("/v1/chat/completions", json=QUESTION)).status_code >= 500
        async with asyncio.timeout(5):
            while "died" not in replica.why_not():  # noqa: ASYNC110  it is asked, as Ray does
                await asyncio.sleep(0.02)


async def test_S2_O4_who_goes_finishes_what_it_has_begun_and_takes_nothing_new() -> None:
    async with hosted() as (replica, client):
        asking = asyncio.create_task(client.post("/v1/chat/completions", json=QUESTION))
        async with asyncio.timeout(5):
            while not replica.ongoing:  # noqa: ASYNC110  as above
                await asyncio.sleep(0.005)
        ending = asyncio.create_task(replica.end(0.0, 5.0))
        await asyncio.sleep(0.02)
        assert (await client.post("/v1/chat/completions", json=QUESTION)).status_code == 503
        assert (await client.get("/ready")).status_code == 503
        assert (await asking).json()["usage"]["completion_tokens"] == 20
        await ending
        assert replica.ongoing == 0


async def test_requests_under_way_are_counted_and_questions_of_health_are_not() -> None:
    inside = asyncio.Event()

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        await inside.wait()

    gate = Gate("k", app)
    scope = {"headers": [(b"authorization", b"Bearer k")]}
    tasks = [asyncio.create_task(gate({**scope, "method": method}, None, None)) for method in ("POST", "GET")]
    await asyncio.sleep(0)
    assert gate.ongoing == 1
    tasks[0].cancel()
    inside.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert gate.ongoing == 0
