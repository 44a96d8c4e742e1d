"""What entered the engine together, and what it made."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from vgate.observe.base import Observer
from vgate.observe.prometheus.buckets import SECONDS, SIZES
from vgate.types import Batch


class BatchMetrics(Observer):
    """Counted when a batch's last answer is done."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._size = Histogram("vgate_batch_size", "Requests in a batch.", buckets=SIZES, registry=registry)
        self._seconds = Histogram(
            "vgate_batch_processing_seconds",
            "Dispatch to the batch's last answer.",
            buckets=SECONDS,
            registry=registry,
        )
        self._tokens = Counter("vgate_tokens_generated_total", "Tokens that the engine generated.", registry=registry)

    def batch_done(self, batch: Batch, now: float) -> None:
        self._size.observe(batch.size)
        self._seconds.observe(now - batch.dispatched)
        self._tokens.inc(batch.tokens)
