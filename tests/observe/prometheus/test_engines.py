"""Which build a server is."""

import platform

import pytest

import vgate
from tests.components import build
from tests.observe.prometheus.scraping import scrape, value
from vgate.observe.prometheus import PrometheusObserver


@pytest.mark.parametrize("option", ["dry_run", "none", "vllm"])
def test_the_build_is_told_in_labels(option: str) -> None:
    observer = PrometheusObserver()
    observer.follow(build("engine", option))
    labels = {"version": vgate.__version__, "python": platform.python_version(), "engine": option}
    assert value(observer, "vgate_build_info", **labels) == 1
    assert value(observer, "vgate_engine_deaths_total") == 0


def test_each_engines_deaths_are_its_own() -> None:
    observer = PrometheusObserver()
    embedding = build("embedding", "vllm", model_id="a/model")
    observer.follow(build("engine", "dry_run"), embedding)
    embedding._engine._running.deaths, embedding._engine._running.restarts = 2, 1
    names = ("engine_deaths", "engine_restarts", "embedding_deaths", "embedding_restarts")
    assert [value(observer, f"vgate_{name}_total") for name in names] == [0, 0, 2, 1]


def test_a_counter_that_somebody_else_counts() -> None:
    observer, count = PrometheusObserver(), 0
    observer.count("vgate_things", "Things.", lambda: count)
    count = 3
    assert value(observer, "vgate_things_total") == observer.stats()["vgate_things_total"] == 3
    assert ("vgate_things_total", ()) not in scrape(PrometheusObserver())
