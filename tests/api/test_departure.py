"""What a signal begins, by itself; `tests/test_stopping.py` and `tests/test_rolling_restart.py` have whole servers."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from vgate.api.departure import Departure


def service_of() -> Any:
    given = SimpleNamespace(drain_delay_s=5.0, shutdown_grace_s=5.0, reuse_port=True)
    return SimpleNamespace(settings=SimpleNamespace(server=given))


async def test_O4_a_signal_before_the_server_listens_ends_it_too() -> None:
    server, service = uvicorn.Server(uvicorn.Config("nobody")), service_of()
    with socket.create_server(("127.0.0.1", 0)) as public:
        public.setblocking(False)
        departure = Departure(service, [server], public)
        departure.signalled()
        await departure.drain()
    assert (service.leaving, service.stopping, server.should_exit) == (True, True, True)


@pytest.mark.real_time
async def test_O4_who_is_at_the_door_when_it_closes_is_waited_for() -> None:
    async def nobody(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("it asks for nothing")

    server, service = uvicorn.Server(uvicorn.Config(nobody, http="httptools")), service_of()
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    with socket.create_server(("127.0.0.1", 0)) as public, socket.create_connection(public.getsockname()):
        public.setblocking(False)
        departure = Departure(service, [server], public)
        departure.signalled()
        draining = asyncio.create_task(departure.drain())
        await asyncio.sleep(0.3)
        assert not service.stopping
        assert len(server.server_state.connections) == 1
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await draining
    assert service.stopping
