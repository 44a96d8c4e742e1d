"""The response cache, and what requests share."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from vgate.cache.base import Held
from vgate.observe.base import Observer
from vgate.observe.prometheus.buckets import counter, known
from vgate.record import Record

_OPERATIONS = ("get", "put")
_REASONS = ("evicted", "too_large")


class CacheMetrics(Observer):
    """Hits, misses, what is held and what could not be."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._hits = Counter("vgate_cache_hits_total", "Answers from the cache.", registry=registry)
        self._misses = Counter(
            "vgate_cache_misses_total", "Cacheable requests not found in the cache.", registry=registry
        )
        self._coalesced = Counter(
            "vgate_requests_coalesced_total", "Requests that shared another one's generation.", registry=registry
        )
        self._entries = Gauge(
            "vgate_cache_entries", "Answers in this process's memory; 0 where they are elsewhere.", registry=registry
        )
        self._bytes = Gauge("vgate_cache_bytes", "Bytes that these answers take.", registry=registry)
        about = "What the cache could not do; the request went on as a miss."
        self._failures = counter(registry, "vgate_cache_failures_total", about, "operation", _OPERATIONS)
        about = "Answers that had to go for others, and answers too large to be stored."
        self._dropped = counter(registry, "vgate_cache_dropped_total", about, "reason", _REASONS)

    def watch(self, held: Callable[[], Held]) -> None:
        """Ask this for what is in the cache whenever metrics are read."""
        self._entries.set_function(lambda: held().entries)
        self._bytes.set_function(lambda: held().bytes)

    def cache_failed(self, operation: str) -> None:
        self._failures.labels(known(operation, _OPERATIONS)).inc()

    def cache_dropped(self, reason: str, count: int) -> None:
        self._dropped.labels(known(reason, _REASONS)).inc(count)

    def finished(self, record: Record) -> None:
        verdict = record.verdict
        if verdict == "hit":
            self._hits.inc()
        elif verdict in ("miss", "partial"):
            self._misses.inc()
        elif verdict == "coalesced":
            self._coalesced.inc()
