"""From the keys of an engine's section to a pool."""

from collections.abc import Mapping
from typing import Any

from vgate.config.workers_schema import DnsSettings, WorkerSettings
from vgate.routing.base import Routing
from vgate.workers.breaker import BreakerPolicy
from vgate.workers.budget import RetryPolicy
from vgate.workers.dns import Dns
from vgate.workers.file import File
from vgate.workers.health import HealthPolicy
from vgate.workers.pool import Pool
from vgate.workers.probe import Get, Prober
from vgate.workers.source import Source
from vgate.workers.specs import specs_of
from vgate.workers.static import Static


def source_of(section: Mapping[str, Any]) -> Source:
    """What `workers`, `workers_file`, `workers_dns` and `dns` of a section say. Raises ValueError."""
    if section["workers_file"] is not None:
        return File(section["workers_file"])
    if section["workers_dns"] is None:
        return Static(specs_of([WorkerSettings.model_validate(worker) for worker in section["workers"]]))
    host, _, port = section["workers_dns"].rpartition(":")
    return Dns(host, int(port), DnsSettings.model_validate(section["dns"]))


def pool_of(section: Mapping[str, Any], get: Get, routing: Routing) -> Pool:
    """A pool of the section's workers, treated as `health`, `breaker` and `retry` say.

    `get` asks a worker for a path: see `vgate.workers.probe`.
    """
    health = HealthPolicy(**section["health"])
    return Pool(
        source_of(section),
        Prober(get, health.path),
        routing,
        health,
        BreakerPolicy(**section["breaker"]),
        RetryPolicy(**section["retry"]),
    )
