"""Engines, and the server as a whole: which build it is, and how its engines are."""

import platform
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

import vgate
from vgate.engine.base import Engine
from vgate.engine.living import Living

_ENGINE = ("engine",)


def tell_build(registry: CollectorRegistry, engine: Engine) -> None:
    """`vgate_build_info`: always 1, what there is to know is in its labels."""
    labels = {
        "version": vgate.__version__,
        "python": platform.python_version(),
        "engine": type(engine).__module__.rpartition(".")[2],
    }
    info = Gauge("vgate_build_info", "Which server this is.", list(labels), registry=registry)
    info.labels(**labels).set(1)


class Lives(Collector):
    """How each engine is, and what it counts itself, read when it is asked for; by the label `engine`, its name here.

    One that serves nothing is not told.
    """

    def __init__(self, engines: Mapping[str, Living]) -> None:
        self._engines = {name: engine for name, engine in engines.items() if engine.serves}

    def collect(self) -> Iterator[Metric]:
        about = "1: the engine can answer; 0: it is being loaded, or has died."
        ready = GaugeMetricFamily("vgate_engine_ready", about, labels=_ENGINE)
        deaths = CounterMetricFamily("vgate_engine_deaths", "Times that the engine has died.", labels=_ENGINE)
        restarts = CounterMetricFamily("vgate_engine_restarts", "Times that it was restarted.", labels=_ENGINE)
        for name, engine in self._engines.items():
            ready.add_metric([name], engine.ready)
            deaths.add_metric([name], engine.deaths)
            restarts.add_metric([name], engine.restarts)
        yield from (ready, deaths, restarts)


class Counted(Collector):
    """One counter that somebody else counts."""

    def __init__(self, name: str, help_text: str, counted: Callable[[], int]) -> None:
        self._name, self._help, self._counted = name, help_text, counted

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(self._name, self._help, self._counted())
