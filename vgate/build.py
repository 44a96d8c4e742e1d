"""From configuration to objects: the one place where classes named in `conf/` are built."""

from typing import Any

from hydra.utils import instantiate

from vgate.api.service import Service
from vgate.config import Settings
from vgate.engine.base import Engine
from vgate.gateway import Gateway
from vgate.observe.base import Observer, Observers
from vgate.observe.logs import LogObserver
from vgate.observe.prometheus import PrometheusObserver
from vgate.security.base import Security


def build_service(settings: Settings) -> Service:
    """A whole server; nothing is started."""
    metrics = PrometheusObserver()
    observer = Observers(metrics, LogObserver())
    engine = build_engine(settings)
    return Service(
        settings, engine, build_gateway(settings, engine, observer), build_security(settings), metrics, observer
    )


def build_engine(settings: Settings) -> Engine:
    """The engine; it is told which model to load."""
    engine: Engine = _component(settings.engine, model=settings.model.model_dump())
    return engine


def build_gateway(settings: Settings, engine: Engine, observer: Observer) -> Gateway:
    """The request path in front of an engine that is already there."""
    return Gateway(engine, _component(settings.batch), _component(settings.cache), _component(settings.dedup), observer)


def build_security(settings: Settings) -> Security:
    """Keys and limits."""
    security: Security = _component(settings.security)
    return security


def reconfigure(service: Service, settings: Settings) -> None:
    """Exchange everything but the engine. Requests under way go on in the gateway that they entered."""
    gateway = build_gateway(settings, service.engine, service.observer)
    service.security, service.gateway, service.settings = build_security(settings), gateway, settings


def _component(section: Any, **wiring: Any) -> Any:
    return instantiate({**section.model_dump(by_alias=True), **wiring}, _convert_="all")
