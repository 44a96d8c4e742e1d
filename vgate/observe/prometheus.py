"""Prometheus metrics of one server, and the same as JSON. The only module that imports prometheus_client."""

from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from vgate.cache.base import Held
from vgate.engine.base import Engine
from vgate.observe.base import Observer
from vgate.record import Record
from vgate.types import Batch, Ticket

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100)
# A token takes from a millisecond on a large card to a second on an overloaded small one.
_TPOT_SECONDS = (0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5)
_TOKENS = (16, 64, 256, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
_SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 128, 256)


class _ItemMetrics:
    """Of the items of embedding requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        name, help_text = "vgate_embedding_items_total", "Items answered, by where their vectors came from."
        self.answered = Counter(name, help_text, ["source"], registry=registry)
        name, help_text = "vgate_embedding_items_waiting", "Items that wait for the embedding engine."
        self.waiting = Gauge(name, help_text, registry=registry)
        name, help_text = "vgate_embedding_batch_items", "Items that entered the embedding engine together."
        self.entered = Histogram(name, help_text, buckets=_SIZES, registry=registry)
        name, help_text = (
            "vgate_embedding_batch_tokens",
            "Tokens in the embedding engine after each entry, padded.",
        )
        self.tokens = Histogram(name, help_text, buckets=_TOKENS, registry=registry)


class PrometheusObserver(Observer):
    """Counts into a registry of its own, so that two servers in one process do not mix.

    Labels come from fixed sets: endpoints and methods that the server knows, else "other".
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._items = _ItemMetrics(registry)
        labels = ["endpoint", "method", "status"]
        self._requests = Counter("vgate_requests_total", "Requests answered.", labels, registry=registry)
        self._broken = Counter(
            "vgate_answers_broken_total",
            "Streams that had begun and ended with an error event; above they count as 200.",
            registry=registry,
        )
        self._latency = Histogram(
            "vgate_request_latency_seconds", "Arrival to last byte.", ["endpoint"], buckets=_SECONDS, registry=registry
        )
        self._in_flight = Gauge(
            "vgate_requests_in_flight",
            "Requests not yet answered, this one included.",
            registry=registry,
        )
        self._batch_size = Histogram("vgate_batch_size", "Requests in a batch.", buckets=_SIZES, registry=registry)
        self._batch_seconds = Histogram(
            "vgate_batch_processing_seconds",
            "Dispatch to the batch's last answer.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._ttft = Histogram(
            "vgate_ttft_seconds", "Arrival to first content, streamed.", buckets=_SECONDS, registry=registry
        )
        self._tpot = Histogram(
            "vgate_tpot_seconds", "Time per output token after the first.", buckets=_TPOT_SECONDS, registry=registry
        )
        self._tokens = Counter("vgate_tokens_generated_total", "Tokens that the engine generated.", registry=registry)
        self._add_sharing(registry)
        self._add_cache(registry)
        self._add_queue(registry)

    def _add_queue(self, registry: CollectorRegistry) -> None:
        self._waiting = Gauge("vgate_queue_waiting", "Requests that wait for admission.", registry=registry)
        self._running = Gauge("vgate_engine_running", "Requests in the engine.", registry=registry)
        self._dropped = Counter(
            "vgate_queue_dropped_total",
            "Requests not admitted: queue full, deadline out of reach, or client left.",
            ["reason"],
            registry=registry,
        )

    def _add_sharing(self, registry: CollectorRegistry) -> None:
        self._hits = Counter("vgate_cache_hits_total", "Answers from the cache.", registry=registry)
        self._misses = Counter(
            "vgate_cache_misses_total", "Cacheable requests not found in the cache.", registry=registry
        )
        self._coalesced = Counter(
            "vgate_requests_coalesced_total", "Requests that shared another one's generation.", registry=registry
        )

    def _add_cache(self, registry: CollectorRegistry) -> None:
        self._cache_entries = Gauge(
            "vgate_cache_entries", "Answers in this process's memory; 0 where they are elsewhere.", registry=registry
        )
        self._cache_bytes = Gauge("vgate_cache_bytes", "Bytes that these answers take.", registry=registry)
        self._cache_failures = Counter(
            "vgate_cache_failures_total",
            "What the cache could not do; the request went on as a miss.",
            ["operation"],
            registry=registry,
        )
        self._cache_dropped = Counter(
            "vgate_cache_dropped_total",
            "Answers that had to go for others, and answers too large to be stored.",
            ["reason"],
            registry=registry,
        )

    def watch_cache(self, held: Callable[[], Held]) -> None:
        """Ask this for what is in the cache whenever metrics are read."""
        self._cache_entries.set_function(lambda: held().entries)
        self._cache_bytes.set_function(lambda: held().bytes)

    def cache_failed(self, operation: str) -> None:
        self._cache_failures.labels(operation).inc()

    def cache_dropped(self, reason: str, count: int) -> None:
        self._cache_dropped.labels(reason).inc(count)

    def started(self, record: Record) -> None:
        self._in_flight.inc()

    def refused(self, reason: str) -> None:
        self._dropped.labels(reason).inc()

    def waiting(self, change: int) -> None:
        self._waiting.inc(change)

    def running(self, change: int) -> None:
        self._running.inc(change)

    def left(self, ticket: Ticket) -> None:
        if ticket.refused:
            self._dropped.labels(ticket.refused).inc()
        # Of the generation, whoever of those who share it is still there at its end.
        if ticket.ttft_s is not None:
            self._ttft.observe(ticket.ttft_s)
        if ticket.tpot_s is not None:
            self._tpot.observe(ticket.tpot_s)

    def batch_done(self, batch: Batch, now: float) -> None:
        self._batch_size.observe(batch.size)
        self._batch_seconds.observe(now - batch.dispatched)
        self._tokens.inc(batch.tokens)

    def items_waiting(self, change: int) -> None:
        self._items.waiting.inc(change)

    def items_admitted(self, items: int, tokens: int) -> None:
        self._items.entered.observe(items)
        self._items.tokens.observe(tokens)

    def finished(self, record: Record) -> None:
        self._in_flight.dec()
        self._requests.labels(record.endpoint, record.method, str(record.status)).inc()
        if record.status == 200 and record.error:
            self._broken.inc()
        if record.duration_s is not None:
            self._latency.labels(record.endpoint).observe(record.duration_s)
        if record.cache == "hit":
            self._hits.inc()
        elif record.cache == "miss" or record.cache.startswith("partial"):
            self._misses.inc()
        elif record.cache == "coalesced":
            self._coalesced.inc()
        if record.items and record.status == 200:
            self._items.answered.labels("cache").inc(record.cached_items)
            self._items.answered.labels("engine").inc(record.items - record.cached_items)

    def follow(self, engine: Engine) -> None:
        """Tell of this engine's deaths and restarts too."""
        self._registry.register(_Lives(engine))

    def exposition(self) -> bytes:
        """The text of `/metrics`: this server's metrics, then the process's and its engine's."""
        return generate_latest(self._registry) + generate_latest(REGISTRY)

    def stats(self) -> dict[str, Any]:
        """This server's metrics as JSON: counters and gauges as numbers, histograms as count, sum and mean."""
        result: dict[str, Any] = {}
        for metric in self._registry.collect():
            samples = [s for s in metric.samples if not s.name.endswith(("_bucket", "_created"))]
            if metric.type == "histogram":
                result[metric.name] = _histograms(samples)
            elif samples and samples[0].labels:
                result[samples[0].name] = [{**s.labels, "value": s.value} for s in samples]
            else:
                result.update({s.name: s.value for s in samples})
        return result


class _Lives(Collector):
    """What an engine counts itself, read when it is asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        engine = self._engine
        yield CounterMetricFamily("vgate_engine_deaths", "Times that the engine has died.", engine.deaths)
        yield CounterMetricFamily("vgate_engine_restarts", "Times that it was restarted.", engine.restarts)


def _histograms(samples: list[Any]) -> Any:
    """One summary, or one for each set of labels."""
    by_labels: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for sample in samples:
        kind = sample.name.rsplit("_", 1)[1]
        by_labels.setdefault(tuple(sorted(sample.labels.items())), {})[kind] = sample.value
    rows = [
        {**dict(labels), **found, "mean": found["sum"] / found["count"] if found["count"] else None}
        for labels, found in by_labels.items()
    ]
    return rows[0] if len(rows) == 1 and () in by_labels else rows
