"""The engine whose workers Ray tells, without Ray; with it: test_ray_live."""

import sys
from typing import Any

import pytest

from tests.components import MODEL, build
from vgate.config import tree
from vgate.errors import EngineStartError
from vgate.types import Occupancy

RAY = tree.option_text("ray", "default")


def ray_engine(model: dict[str, Any] = MODEL, **engine: Any) -> Any:
    wired = {"routing": build("routing", "least_loaded"), "ray": RAY, "replica": {"engine": engine}}
    return build("engine", "ray", model=model, wired=wired)


async def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "vgate.engine.ray_cluster", raising=False)
    engine = ray_engine()
    with pytest.raises(EngineStartError) as caught:
        await engine.start()
    assert "pip install 'vgate[ray]'" in str(caught.value)
    assert "\n" not in str(caught.value)
    await engine.stop()


def test_C20_the_fingerprint_is_that_of_the_model_and_of_what_the_replicas_run() -> None:
    other = {**MODEL, "model_id": "other"}
    one, same, model, engine = (
        made.fingerprint for made in (ray_engine(), ray_engine(), ray_engine(other), ray_engine(max_num_seqs=1))
    )
    assert one == same
    assert len({one, model, engine}) == 3


async def test_it_may_be_stopped_before_it_starts_also_twice() -> None:
    engine = ray_engine()
    assert not engine.ready
    assert engine.occupancy == Occupancy()
    await engine.stop()
    await engine.stop()
