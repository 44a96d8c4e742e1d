"""The engine whose workers Ray tells, without Ray; with it: test_ray_live."""

import asyncio
from typing import Any, ClassVar

import pytest

from tests.components import MODEL, build
from vgate.config import tree
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


class Stand:
    """In the place of a RayProcess: the first one falls silent."""

    made: ClassVar[list["Stand"]] = []

    def __init__(self, _ray: Any, _replica: Any) -> None:
        self.calls: list[str] = []
        self.made.append(self)

    async def ask(self, call: str) -> Any:
        self.calls.append(call)
        if call == "replicas" and self is self.made[0]:
            raise OSError("gone")
        return {"replicas": {"a": ("http://127.0.0.1:1", "k")}, "running": True, "stop": []}.get(call)

    async def end(self) -> None:
        self.calls.append("end")


async def test_S6_ray_that_falls_silent_is_begun_with_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stand, "made", [])
    monkeypatch.setattr("vgate.engine.ray.RayProcess", Stand)
    engine = ray_engine()
    await engine.start()
    await asyncio.sleep(15)
    assert len(Stand.made) == 1
    await asyncio.sleep(15)
    first, second = Stand.made
    assert (first.calls[:3], first.calls[-1]) == (["connect", "deploy", "running"], "end")
    assert second.calls[:3] == ["connect", "deploy", "replicas"]
    assert await engine._specs() == {"a": WorkerSpec("http://127.0.0.1:1", "a", "Bearer k")}
    await engine.stop()
    assert second.calls[-2:] == ["stop", "end"]
