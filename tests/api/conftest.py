"""One dry-run server for the tests of this folder."""

from collections.abc import Iterator

import httpx
import pytest

from tests.servers import Server, running

FAST = ("engine.decode_step_ms=1", "engine.decode_step_per_seq_ms=0", "server.max_body_bytes=1048576")


@pytest.fixture(scope="session")
def dry_server() -> Iterator[Server]:
    with running("+preset=dry_run", *FAST) as server:
        yield server


@pytest.fixture
def client(dry_server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=dry_server.base_url, timeout=20) as client:
        yield client
