"""What whoever operates a server decides on: limits and reloads."""

from prometheus_client import CollectorRegistry

from vgate.observe.base import Observer
from vgate.observe.prometheus.buckets import counter, known

# Those of `Observer.limited`.
_DECISIONS = (
    "allowed",
    "requests",
    "tokens",
    "concurrency",
    "unauthenticated",
    "pre_auth",
    "store_open",
    "store_closed",
    "store_local",
)


class OperationMetrics(Observer):
    """Counted by decision and by result, never by who asked."""

    def __init__(self, registry: CollectorRegistry) -> None:
        about = "Requests let in, or refused and why; store_*: decided while the store of the counts was down."
        self._limiter = counter(registry, "vgate_limiter_decisions_total", about, "decision", _DECISIONS)
        about = "Times that the configuration was read again; failed: it was wrong, and the old one was kept."
        self._reloads = counter(registry, "vgate_config_reloads_total", about, "result", ("ok", "failed"))

    def limited(self, decision: str) -> None:
        self._limiter.labels(known(decision, _DECISIONS)).inc()

    def reloaded(self, ok: bool) -> None:
        self._reloads.labels("ok" if ok else "failed").inc()
