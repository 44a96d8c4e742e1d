"""From configuration to objects: the one place where classes named in `conf/` are built.

What a gateway needs is imported when one is built: the load driver builds its load here and knows no server.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from hydra.utils import instantiate

if TYPE_CHECKING:
    from vgate.admin.base import Admin
    from vgate.api.service import Service
    from vgate.config import Settings
    from vgate.embedding.base import Embedding
    from vgate.embeddings import Embeddings
    from vgate.engine.base import Engine
    from vgate.gateway import Gateway
    from vgate.load.base import Load
    from vgate.observe.base import Observer
    from vgate.routing.base import Routing
    from vgate.security.base import Security
    from vgate.tracing.base import Tracing
    from vgate.workload.base import Workload


def build_service(settings: Settings) -> Service:
    """A whole server; nothing is started."""
    from vgate.api import prompts
    from vgate.api.service import Service
    from vgate.config.remembered import remembered
    from vgate.observe.access import LogObserver
    from vgate.observe.base import Observers
    from vgate.observe.prometheus import PrometheusObserver
    from vgate.observe.recent import Recent
    from vgate.observe.recorder import Recorder

    settings = remembered(settings)
    metrics, recorder, recent, tracing = PrometheusObserver(), Recorder(), Recent(), build_tracing(settings)
    observer = Observers(metrics, LogObserver(lambda: service.settings.logging), recorder, recent, tracing)
    engine = build_engine(settings)
    engine.export_spans(tracing.export)
    embedding = build_embedding(settings, engine)
    metrics.follow(engine, embedding)
    gateway = build_gateway(settings, engine, observer)
    embeddings = build_embeddings(embedding, gateway, observer)
    security = build_security(settings, observer)
    service = Service(settings, engine, gateway, embeddings, security, metrics, recorder, recent, observer, tracing)
    tracing.counted_by(metrics.count)
    prompts.warn(settings.logging)
    return service


def build_engine(settings: Settings) -> Engine:
    """The engine; it is told which model to load, and one that has workers how to choose among them."""
    from vgate.config.replica import replica_of
    from vgate.config.schema import RayEngineSettings, UpstreamSettings

    wiring: dict[str, Any] = {"model": settings.model.model_dump()}
    if isinstance(settings.engine, UpstreamSettings | RayEngineSettings):
        wiring["routing"] = build_routing(settings)
    if isinstance(settings.engine, RayEngineSettings):
        wiring |= {"ray": settings.ray.model_dump(), "replica": _section(replica_of(settings))}
    engine: Engine = _component(_section(settings.engine), **wiring)
    return engine


def build_routing(settings: Settings) -> Routing:
    """What chooses among the workers of an engine that has some."""
    routing: Routing = _component(_section(settings.routing))
    return routing


def build_embedding(settings: Settings, engine: Engine) -> Embedding:
    """The embedding engine; one that asks the chat engine's workers is told whose."""
    from vgate.config.embedding_schema import UpstreamEmbeddingSettings

    wiring = {"engine": engine} if isinstance(settings.embedding, UpstreamEmbeddingSettings) else {}
    embedding: Embedding = _component(_section(settings.embedding), **wiring)
    return embedding


def build_gateway(settings: Settings, engine: Engine, observer: Observer) -> Gateway:
    """The request path in front of an engine that is already there."""
    from vgate.gateway import Gateway

    cache, dedup = (_component(_section(section)) for section in (settings.cache, settings.dedup))
    return Gateway(engine, _batch(settings, engine), cache, dedup, observer)


def build_embeddings(embedding: Embedding, gateway: Gateway, observer: Observer) -> Embeddings:
    """The request path in front of an embedding engine that is already there; cache and rules are the gateway's."""
    from vgate.embeddings import Embeddings

    return Embeddings(embedding, gateway.cache, gateway.dedup, observer)


def build_tracing(settings: Settings) -> Tracing:
    """Where the spans of requests go."""
    tracing: Tracing = _component(_section(settings.tracing))
    return tracing


def build_security(settings: Settings, observer: Observer) -> Security:
    """Keys and limits."""
    store = _component(_section(settings.limits))
    security: Security = _component(_section(settings.security), store=store, observer=observer)
    return security


def build_load(section: Mapping[str, Any]) -> Load:
    """When requests are sent, from the resolved `load` section."""
    load: Load = _component(section)
    return load


def build_workload(section: Mapping[str, Any]) -> Workload:
    """What the requests say, from the resolved `workload` section."""
    workload: Workload = _component(section)
    return workload


def build_admin_port(settings: Settings) -> Admin:
    """Where the admin routes are served over TCP, and to whom."""
    admin: Admin = _component(_section(settings.admin))
    return admin


def reconfigure(service: Service, settings: Settings, sections: Collection[str], *, keep_usage: bool = False) -> None:
    """Build what these sections describe anew, and exchange it; all else stays, engines always.

    Everything is built before anything is exchanged, so what raises changes nothing. Requests under way go on in the
    gateway that they entered. keep_usage: what has been used of a key's limits counts on.
    """
    from vgate.config.remembered import remembered

    settings = remembered(settings)
    gateway = _other_gateway(service, settings, sections)
    anew = not {"security", "limits"}.isdisjoint(sections)
    security = build_security(settings, service.observer) if anew else service.security
    workers = _other_workers(service, settings, sections)
    if security is not service.security:
        if keep_usage:
            security.adopt(service.security)
        service.replace_security(security)
    if gateway is not service.gateway:
        if not {"cache", "dedup"}.isdisjoint(sections):
            service.embeddings = build_embeddings(service.embedding, gateway, service.observer)
        service.replace_gateway(gateway)
    workers()
    service.settings = settings


def _other_workers(service: Service, settings: Settings, sections: Collection[str]) -> Callable[[], None]:
    """What exchanges an engine's worker list and routing, where it has workers and these sections tell of them."""
    pool = service.engine.pool
    if pool is None:
        return lambda: None
    from vgate.config.schema import UpstreamSettings
    from vgate.workers.assembly import source_of

    listed = "engine" in sections and isinstance(settings.engine, UpstreamSettings)  # Ray's list is Ray's
    source = source_of(_section(settings.engine)) if listed else None
    routing = build_routing(settings) if "routing" in sections else None
    return lambda: pool.change(source, routing)


def _other_gateway(service: Service, settings: Settings, sections: Collection[str]) -> Gateway:
    """One with the parts of these sections anew, the others shared; the same one where it would share all."""
    parts = {name: _component(_section(getattr(settings, name))) for name in ("cache", "dedup") if name in sections}
    if not {"queue", "batch"}.isdisjoint(sections):
        parts["batch"] = _batch(settings, service.engine)
    return service.gateway.beside(**parts) if parts else service.gateway


def _batch(settings: Settings, engine: Engine) -> Any:
    queue = _component(_section(settings.queue))
    return _component(_section(settings.batch), queue=queue, capacity=lambda: engine.capacity)


def _section(section: Any) -> dict[str, Any]:
    return dict(section.model_dump(by_alias=True))


def _component(section: Mapping[str, Any], **wiring: Any) -> Any:
    """The class that `_target_` names, given the section's keys and what the rest of the program hands it."""
    settings = {name: value for name, value in section.items() if name not in wiring}
    return instantiate(settings, _convert_="all", _partial_=True)(**wiring)
