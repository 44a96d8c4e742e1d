"""The server under test, as a real process with the dry-run engine."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vgate.config import compose
from vgate.harness.prometheus_text import total
from vgate.harness.server import Server, ServerFailed, first_api_key


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


def test_keys() -> None:
    assert first_api_key(container()) is None
