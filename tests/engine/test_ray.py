"""The engine whose workers Ray tells, without Ray; with it: test_ray_live."""

import asyncio
from typing import Any

import pytest

from tests.components import MODEL, build
from tests.ray_stand import RayStand
from vgate.config import tree
from vgate.errors import EngineStartError
from vgate.types import Occupancy
from vgate.workers.worker import WorkerSpec

RAY = tree.option_text("ray", "default")


def ray_engine(model: dict[str, Any] = MODEL, **engine: Any) -> Any:
    wired = {"routing": build("routing", "least_loaded"), "ray": RAY, "replica": {"engine": engine}}
    return build("engine", "ray", model=model, wired=wired)


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


async def test_S6_ray_that_falls_silent_is_begun_with_again(monkeypatch: pytest.MonkeyPatch) -> None:
    silent, second = RayStand("", EngineStartError("gone")), RayStand("http://127.0.0.1:1")
    left = [silent, second]
    monkeypatch.setattr("vgate.engine.ray.RayProcess", lambda *_: left.pop(0))
    engine = ray_engine()
    await engine.start()
    await asyncio.sleep(15)
    assert left == [second]
    await asyncio.sleep(15)
    assert (silent.calls[:3], silent.calls[-1]) == (["connect", "deploy", "running"], "end")
    assert second.calls[:3] == ["connect", "deploy", "replicas"]
    assert await engine._specs() == {"a": WorkerSpec("http://127.0.0.1:1", "a", "Bearer key")}
    await engine.stop()
    assert second.calls[-2:] == ["stop", "end"]


async def test_while_ray_itself_answers_replicas_that_are_not_there_yet_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stands = [RayStand("", OSError("they are being loaded"))]
    monkeypatch.setattr("vgate.engine.ray.RayProcess", lambda *_: stands.pop())
    engine = ray_engine()
    await engine.start()
    await asyncio.sleep(600)
    assert not engine.ready
    assert engine.pool.source.failures > 500
    await engine.stop()
