"""What `experiments/ray_tokens.py` measures with, without Ray: starting it takes longer than all that is here."""

import asyncio
import contextlib
import importlib.util
import json
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from vgate.api.sockets import listen

FILE = Path(__file__).resolve().parents[1] / "experiments" / "ray_tokens.py"


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_SERVE_LOG_TO_STDERR"):
        monkeypatch.setenv(name, "0")  # which it sets too, and for good
    spec = importlib.util.spec_from_file_location("ray_tokens", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own
        spec.loader.exec_module(module)
    return module


@contextlib.asynccontextmanager
async def replica(experiment: Any) -> AsyncIterator[int]:
    """The port of one that serves HTTP."""
    sock = listen("127.0.0.1", 0)
    config = uvicorn.Config(experiment._app, http="httptools", ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([sock]))
    yield sock.getsockname()[1]
    server.should_exit = True
    await serving


class Handle:
    """In the place of a deployment's: its methods are called here."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def options(self, **_: Any) -> "Handle":
        return self

    def __getattr__(self, method: str) -> Any:
        return type("Method", (), {"remote": staticmethod(getattr(self._made, method))})


@pytest.mark.real_time
async def test_each_way_brings_the_whole_stream_and_is_measured(
    experiment: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    replica_class = experiment.Tokens.func_or_class
    async with replica(experiment) as port:
        # `measured` itself refuses a stream of another length.
        found = await experiment.rounds(Handle(replica_class.__new__(replica_class)), port, 1)
    assert found.keys() == experiment.CASES.keys()
    for by_way in found.values():
        assert list(by_way) == ["handle", "handle, gRPC", "handle, 5 ms together", "HTTP to the replica"]
        # uvloop's timers count whole ms, so that a chunk can be there up to one before its time.
        assert all(result["chunks_per_s"] > 0 and result["first_ms"] > -1 for (result,) in by_way.values())
    experiment.show(found)
    assert len(capsys.readouterr().out.splitlines()) == len(found) * (2 + 4)
    assert json.loads(json.dumps(found)) == found
