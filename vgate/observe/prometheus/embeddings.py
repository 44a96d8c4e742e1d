"""The items of embedding requests."""

from prometheus_client import CollectorRegistry, Gauge, Histogram

from vgate.observe.base import Observer
from vgate.observe.prometheus.buckets import SIZES, TOKENS, counter
from vgate.record import Record


class EmbeddingMetrics(Observer):
    """Items are what waits for the embedding engine and enters it, not requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        name, help_text = "vgate_embedding_items_total", "Items answered, by where their vectors came from."
        self._answered = counter(registry, name, help_text, "source", ("cache", "engine"))
        name, help_text = "vgate_embedding_items_waiting", "Items that wait for the embedding engine."
        self._waiting = Gauge(name, help_text, registry=registry)
        name, help_text = "vgate_embedding_batch_items", "Items that entered the embedding engine together."
        self._entered = Histogram(name, help_text, buckets=SIZES, registry=registry)
        name, help_text = (
            "vgate_embedding_batch_tokens",
            "Tokens in the embedding engine after each entry, padded.",
        )
        self._tokens = Histogram(name, help_text, buckets=TOKENS, registry=registry)

    def items_waiting(self, change: int) -> None:
        self._waiting.inc(change)

    def items_admitted(self, items: int, tokens: int) -> None:
        self._entered.observe(items)
        self._tokens.observe(tokens)

    def finished(self, record: Record) -> None:
        if record.items and record.status == 200:
            self._answered.labels("cache").inc(record.cached_items)
            self._answered.labels("engine").inc(record.items - record.cached_items)
