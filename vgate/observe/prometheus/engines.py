"""Engines, and the server as a whole: which build it is, and how often an engine has died."""

import platform
from collections.abc import Callable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

import vgate
from vgate.engine.base import Engine


def tell_build(registry: CollectorRegistry, engine: Engine) -> None:
    """`vgate_build_info`: always 1, what there is to know is in its labels."""
    labels = {
        "version": vgate.__version__,
        "python": platform.python_version(),
        "engine": type(engine).__module__.rpartition(".")[2],
    }
    info = Gauge("vgate_build_info", "Which server this is.", list(labels), registry=registry)
    info.labels(**labels).set(1)


class _Mortal(Protocol):
    @property
    def deaths(self) -> int: ...

    @property
    def restarts(self) -> int: ...


class Lives(Collector):
    """What an engine counts itself, read when it is asked for; as `vgate_<name>_deaths_total` and `_restarts_total`."""

    def __init__(self, name: str, engine: _Mortal) -> None:
        self._name = name
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        name, engine = self._name, self._engine
        yield CounterMetricFamily(f"vgate_{name}_deaths", f"Times that the {name} has died.", engine.deaths)
        yield CounterMetricFamily(f"vgate_{name}_restarts", "Times that it was restarted.", engine.restarts)


class Counted(Collector):
    """One counter that somebody else counts."""

    def __init__(self, name: str, help_text: str, counted: Callable[[], int]) -> None:
        self._name, self._help, self._counted = name, help_text, counted

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(self._name, self._help, self._counted())
