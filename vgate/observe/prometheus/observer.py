"""All metrics of one server together."""

from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.registry import Collector

from vgate.cache.base import Held
from vgate.embedding.base import Embedding
from vgate.engine.base import Engine
from vgate.engine.living import Living
from vgate.observe.base import Observer
from vgate.observe.prometheus import exposition
from vgate.observe.prometheus.batches import BatchMetrics
from vgate.observe.prometheus.cache import CacheMetrics
from vgate.observe.prometheus.embeddings import EmbeddingMetrics
from vgate.observe.prometheus.engines import Counted, Lives, tell_build
from vgate.observe.prometheus.generations import GenerationMetrics
from vgate.observe.prometheus.operations import OperationMetrics
from vgate.observe.prometheus.requests import RequestMetrics
from vgate.observe.prometheus.workers import WorkerMetrics
from vgate.record import Record
from vgate.types import Batch, Ticket


class PrometheusObserver(Observer):
    """Counts into a registry of its own, so that two servers in one process do not mix.

    Labels come from fixed sets: endpoints and methods that the server knows, else "other"; statuses that it answers
    with, else their class; reasons and results by name. What a client says is never one.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = RequestMetrics(registry)
        self._generations = GenerationMetrics(registry)
        self._batches = BatchMetrics(registry)
        self._cache = CacheMetrics(registry)
        self._embeddings = EmbeddingMetrics(registry)
        self._operations = OperationMetrics(registry)

    # Each hook goes to whom it concerns, by hand: these run several times for each request.

    def started(self, record: Record) -> None:
        self._requests.started(record)

    def refused(self, reason: str) -> None:
        self._generations.refused(reason)

    def waiting(self, change: int) -> None:
        self._generations.waiting(change)

    def running(self, change: int) -> None:
        self._generations.running(change)

    def left(self, ticket: Ticket) -> None:
        self._generations.left(ticket)

    def batch_done(self, batch: Batch, now: float) -> None:
        self._batches.batch_done(batch, now)

    def cache_failed(self, operation: str) -> None:
        self._cache.cache_failed(operation)

    def cache_dropped(self, reason: str, count: int) -> None:
        self._cache.cache_dropped(reason, count)

    def items_waiting(self, change: int) -> None:
        self._embeddings.items_waiting(change)

    def items_admitted(self, items: int, tokens: int) -> None:
        self._embeddings.items_admitted(items, tokens)

    def limited(self, decision: str) -> None:
        self._operations.limited(decision)

    def reloaded(self, ok: bool) -> None:
        self._operations.reloaded(ok)

    def finished(self, record: Record) -> None:
        self._requests.finished(record)
        self._cache.finished(record)
        self._embeddings.finished(record)

    def watch_cache(self, held: Callable[[], Held]) -> None:
        """Ask this for what is in the cache whenever metrics are read."""
        self._cache.watch(held)

    def follow(self, engine: Engine, embedding: Embedding | None = None) -> None:
        """Tell how these engines are too, and which server this is. Once."""
        tell_build(self._registry, engine)
        if engine.pool is not None:
            self._registry.register(WorkerMetrics(engine.pool))
        engines: dict[str, Living] = {"chat": engine}
        if embedding is not None:
            engines["embedding"] = embedding
        self._registry.register(Lives(engines))

    def count(self, name: str, help_text: str, counted: Callable[[], int]) -> None:
        """Ask this for a counter, `<name>_total`, whenever metrics are read."""
        self._registry.register(Counted(name, help_text, counted))

    def exposition(self) -> bytes:
        """The text of `/metrics`: this server's metrics, then the process's and its engine's."""
        return self.answer("")[0]

    def answer(self, accept: str) -> tuple[bytes, str]:
        """`/metrics` in the format that the header `Accept` asks for, and its content type."""
        return exposition.encoded(_Both(self._registry), accept)

    def stats(self) -> dict[str, Any]:
        """This server's metrics as JSON: counters and gauges as numbers, histograms as count, sum and mean."""
        return exposition.as_json(self._registry)


class _Both(Collector):
    """One server's registry and then the process's, in which vLLM counts."""

    def __init__(self, own: CollectorRegistry) -> None:
        self._own = own

    def collect(self) -> Iterator[Metric]:
        yield from self._own.collect()
        yield from REGISTRY.collect()
