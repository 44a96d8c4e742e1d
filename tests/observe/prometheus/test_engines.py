"""Which build a server is, and how its engines are."""

import asyncio
import platform

import pytest

import vgate
from tests.calls import ask, chat
from tests.components import build
from tests.engine.faults import faults
from tests.gateways import gateway
from tests.observe.prometheus.scraping import scrape, value
from vgate.errors import NotReady
from vgate.observe.prometheus import PrometheusObserver


@pytest.mark.parametrize("option", ["dry_run", "none", "vllm"])
def test_the_build_is_told_in_labels(option: str) -> None:
    observer = PrometheusObserver()
    observer.follow(build("engine", option))
    labels = {"version": vgate.__version__, "python": platform.python_version(), "engine": option}
    assert value(observer, "vgate_build_info", **labels) == 1


def told(observer: PrometheusObserver, engine: str) -> list[float | None]:
    """Deaths, restarts, ready."""
    names = ("deaths_total", "restarts_total", "ready")
    return [value(observer, f"vgate_engine_{name}", engine=engine) for name in names]


def test_each_engines_deaths_are_its_own() -> None:
    observer = PrometheusObserver()
    embedding = build("embedding", "vllm", model_id="a/model")
    observer.follow(build("engine", "dry_run"), embedding)
    embedding._engine._running.deaths, embedding._engine._running.restarts = 2, 1
    assert (told(observer, "chat"), told(observer, "embedding")) == ([0, 0, 0], [2, 1, 0])


async def test_an_engine_is_ready_once_loaded_and_not_from_its_death_to_its_restart() -> None:
    engine = build("engine", "dry_run", faults=faults(crash=1.0))
    observer = PrometheusObserver()
    observer.follow(engine, build("embedding", "dry_run"))
    assert (told(observer, "chat"), told(observer, "embedding")) == ([0, 0, 0], [0, 0, 0])
    await engine.start()
    assert (told(observer, "chat"), told(observer, "embedding")) == ([0, 0, 1], [0, 0, 0])
    watching = asyncio.create_task(engine.watch())
    with pytest.raises(NotReady):
        await ask(gateway(engine), chat())
    assert told(observer, "chat")[2] == 0, "at once, though nobody has counted the death yet"
    await asyncio.sleep(0.5)
    assert told(observer, "chat") == [1, 0, 0]
    await asyncio.sleep(5)
    assert told(observer, "chat") == [1, 1, 1]
    assert observer.stats()["vgate_engine_restarts_total"][0] == {"engine": "chat", "value": 1}
    await engine.stop()
    await watching


def test_an_engine_that_serves_nothing_is_not_told() -> None:
    """Nobody is to be woken because a server has no embeddings."""
    observer = PrometheusObserver()
    observer.follow(build("engine", "none"), build("embedding", "none"))
    names = {name for name, labels in scrape(observer) if dict(labels).get("engine") in ("chat", "embedding")}
    assert names == set()


def test_a_counter_that_somebody_else_counts() -> None:
    observer, count = PrometheusObserver(), 0
    observer.count("vgate_things", "Things.", lambda: count)
    count = 3
    assert value(observer, "vgate_things_total") == observer.stats()["vgate_things_total"] == 3
    assert ("vgate_things_total", ()) not in scrape(PrometheusObserver())
