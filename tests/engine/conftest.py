"""One real vLLM with the tiny model for all tests that can share it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Server, running
from vgate.models import tiny

MODELS = Path(__file__).resolve().parents[2] / "models"


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder with both tiny models, built where they are missing."""
    for name in tiny.MODELS:
        tiny.ensure(name, MODELS)
    return MODELS


@pytest.fixture(scope="session")
def garbage_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `vllm_server` writes on SIGUSR1, see `watched/sitecustomize.py`."""
    return tmp_path_factory.mktemp("garbage") / "log"


@pytest.fixture(scope="session")
def vllm_server(models: Path, garbage_log: Path) -> Iterator[Server]:
    watched = {"PYTHONPATH": str(Path(__file__).parent / "watched"), "GARBAGE_LOG": str(garbage_log)}
    with running("+preset=cpu", f"model.model_id={models / 'tiny'}", env=watched) as server:
        yield server
