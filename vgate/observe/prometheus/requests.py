"""Requests, from arrival to their last byte."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from vgate.observe.base import Observer
from vgate.observe.prometheus.buckets import SECONDS, exemplar, status
from vgate.record import Record


class RequestMetrics(Observer):
    """By endpoint, method and status, the three from fixed sets."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["endpoint", "method", "status"]
        self._requests = Counter("vgate_requests_total", "Requests answered.", labels, registry=registry)
        self._broken = Counter(
            "vgate_answers_broken_total",
            "Streams that had begun and ended with an error event; above they count as 200.",
            registry=registry,
        )
        self._aborted = Counter(
            "vgate_answers_aborted_total",
            "Requests whose client left before its answer was complete; above they count as 499.",
            registry=registry,
        )
        self._latency = Histogram(
            "vgate_request_latency_seconds", "Arrival to last byte.", ["endpoint"], buckets=SECONDS, registry=registry
        )
        self._in_flight = Gauge(
            "vgate_requests_in_flight",
            "Requests not yet answered, this one included.",
            registry=registry,
        )

    def started(self, record: Record) -> None:
        self._in_flight.inc()

    def finished(self, record: Record) -> None:
        self._in_flight.dec()
        self._requests.labels(record.endpoint, record.method, status(record.status)).inc()
        if record.status == 200 and record.error:
            self._broken.inc()
        if record.status == 499:
            self._aborted.inc()
        if record.duration_s is not None:
            trace = exemplar(record.trace.headers if record.trace else None)
            self._latency.labels(record.endpoint).observe(record.duration_s, trace)
