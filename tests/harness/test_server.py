"""The server under test, as a real process with the dry-run engine."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from vgate.config import compose, from_resolved
from vgate.config.graph import graph_hash
from vgate.harness.prometheus_text import total
from vgate.harness.server import Server, ServerBusy, ServerFailed


def container(*overrides: str) -> dict[str, Any]:
    return compose("serve", ["engine=dry_run", *overrides]).container


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(container(), tmp_path_factory.mktemp("server") / "server.log")
    started.start()
    yield started
    started.stop()


def test_it_is_ready_and_says_how_long_that_took(server: Server) -> None:
    assert server.start_s > 0
    assert server.model() == "tiny"


def test_components_are_exchanged_without_a_restart(server: Server) -> None:
    server.configure(container("batch=lockstep", "cache=none"))
    server.configure(container("security=keys", "+security.api_keys=[{key: sk-1, name: bench}]"))
    assert server.api_key == "sk-1"
    assert server.model() == "tiny"  # asked with the key
    server.configure(container())
    assert server.api_key is None


def test_metrics_are_read_when_the_server_is_quiet(server: Server) -> None:
    assert total(server.metrics(), "vgate_requests_in_flight") == 1  # the question itself


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = Server(container("engine=vllm", "model.model_id=models/nowhere"), tmp_path / "log")
    try:
        with pytest.raises(ServerFailed, match=r"(?s)exit code 1; its log ends with:.*models/nowhere"):
            broken.start()
    finally:
        broken.stop()


def test_a_server_that_dies_is_noticed(tmp_path: Path) -> None:
    dying = Server(container(), tmp_path / "log")
    try:
        dying.start()
        assert dying._process is not None
        dying._process.kill()
        dying._process.wait()
        with pytest.raises(ServerFailed, match="exit code -9"):
            dying.metrics()
    finally:
        dying.stop()


def test_the_configuration_is_on_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds API keys, and a bench that is killed could not remove it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    started = Server(container("security=keys", "+security.api_keys=[{key: sk-secret, name: bench}]"), tmp_path / "log")
    try:
        started.start()
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert [path for path in files if b"sk-secret" in path.read_bytes()] == []
    finally:
        started.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def ask(server: Server, question: str) -> httpx.Response:
    body = {"model": "tiny", "messages": [{"role": "user", "content": question}], "max_tokens": 2, "temperature": 0}
    return httpx.post(f"{server.base_url}/v1/chat/completions", json=body, timeout=30)


def test_a_shared_redis_is_left_as_it_was(redis_url: str, tmp_path: Path) -> None:
    """A gateway's answers under the very prefix that the bench is given stay, whatever is reset, swapped or stopped."""
    shared = container("cache=redis", f"cache.url={redis_url}", "cache.prefix='prod:'", "cache.timeout_ms=5000")
    theirs = {f"prod:{number:064x}".encode(): b"an answer" for number in range(3)}
    with redis.Redis.from_url(redis_url) as client:
        client.mset(theirs)
        used = Server(shared, tmp_path / "log")
        try:
            used.start()
            for _ in range(2):
                used.configure(shared)
                assert used.graph == graph_hash(from_resolved(shared, "the test"))
                found = [ask(used, "same").headers["x-vgate-cache"] for _ in range(2)]
                assert found == ["miss", "hit"]  # its own answers it has, but for those of the cell before
            assert len(client.keys("prod:*")) == len(theirs) + 1
            used.configure(container("cache=lru"))
            assert set(client.keys("prod:*")) == theirs.keys()
            used.configure(shared)
            ask(used, "same")
        finally:
            used.stop()
        assert set(client.keys("prod:*")) == theirs.keys()
        assert client.mget(*theirs) == list(theirs.values())


@pytest.mark.parametrize(("code", "busy"), [("not_ready", True), ("cache_unreachable", False)])
def test_only_running_requests_make_it_busy(server: Server, code: str, busy: bool) -> None:
    """A store that cannot be reached will not be there for waiting, nor for another engine start."""
    answer = httpx.Response(503, json={"error": {"message": "no", "code": code}})
    with (
        httpx.Client(transport=httpx.MockTransport(lambda _: answer), base_url="http://admin") as client,
        pytest.raises(ServerFailed, match="HTTP 503") as told,
    ):
        server._ask(client, "POST", "/reset", json={})
    assert isinstance(told.value, ServerBusy) is busy
