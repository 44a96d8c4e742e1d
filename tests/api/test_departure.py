"""What a signal begins, by itself; `tests/test_stopping.py` and `tests/test_rolling_restart.py` have whole servers."""

import socket
from types import SimpleNamespace
from typing import Any

import uvicorn

from vgate.api.departure import Departure


async def test_O4_a_signal_before_the_server_listens_ends_it_too() -> None:
    server = uvicorn.Server(uvicorn.Config("nobody"))
    settings = SimpleNamespace(drain_delay_s=5.0, shutdown_grace_s=5.0, reuse_port=True)
    service: Any = SimpleNamespace(settings=SimpleNamespace(server=settings))
    with socket.create_server(("127.0.0.1", 0)) as public:
        public.setblocking(False)
        departure = Departure(service, [server], public)
        departure.signalled()
        await departure.drain()
    assert (service.leaving, service.stopping, server.should_exit) == (True, True, True)
