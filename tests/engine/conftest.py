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
def vllm_server(models: Path) -> Iterator[Server]:
    with running("+preset=cpu", f"model.model_id={models / 'tiny'}") as server:
        yield server
