"""Generations: how they wait for admission, and how fast they are in the engine."""

from prometheus_client import CollectorRegistry, Gauge, Histogram

from vgate.observe.base import Observer
from vgate.observe.prometheus.buckets import SECONDS, TPOT_SECONDS, TTFT_SECONDS, counter, exemplar, known
from vgate.types import Ticket

_REASONS = ("full", "deadline", "left")


class GenerationMetrics(Observer):
    """Of the generation, whoever of those who share it is still there at its end."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waiting = Gauge("vgate_queue_waiting", "Requests that wait for admission.", registry=registry)
        self._running = Gauge("vgate_engine_running", "Requests in the engine.", registry=registry)
        self._wait = Histogram(
            "vgate_admission_wait_seconds",
            "From being checked to entering the engine.",
            buckets=SECONDS,
            registry=registry,
        )
        about = "Requests not admitted: queue full, deadline out of reach, or client left."
        self._dropped = counter(registry, "vgate_queue_dropped_total", about, "reason", _REASONS)
        self._ttft = Histogram(
            "vgate_ttft_seconds", "Arrival to first content, streamed.", buckets=TTFT_SECONDS, registry=registry
        )
        self._tpot = Histogram(
            "vgate_tpot_seconds", "Time per output token after the first.", buckets=TPOT_SECONDS, registry=registry
        )

    def refused(self, reason: str) -> None:
        self._dropped.labels(known(reason, _REASONS)).inc()

    def waiting(self, change: int) -> None:
        self._waiting.inc(change)

    def running(self, change: int) -> None:
        self._running.inc(change)

    def left(self, ticket: Ticket) -> None:
        if ticket.refused:
            self.refused(ticket.refused)
        if ticket.admitted is not None and ticket.queued is not None:
            self._wait.observe(ticket.admitted - ticket.queued)
        if ticket.ttft_s is not None:
            self._ttft.observe(ticket.ttft_s, exemplar(ticket.call.trace))
        if ticket.tpot_s is not None:
            self._tpot.observe(ticket.tpot_s)
