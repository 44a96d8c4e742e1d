"""From the keys of an engine's section to a pool."""

from collections.abc import Mapping
from typing import Any

from vgate.routing.base import Routing
from vgate.workers.pool import Pool
from vgate.workers.probe import Get
from vgate.workers.source import Source


def source_of(section: Mapping[str, Any]) -> Source:
    """What `workers`, `workers_file`, `workers_dns` and `dns` of a section say. Raises ValueError."""
    raise NotImplementedError


def pool_of(section: Mapping[str, Any], get: Get, routing: Routing) -> Pool:
    """A pool of the section's workers, treated as `health`, `breaker` and `retry` say.

    `get` asks a worker for a path: see `vgate.workers.probe`.
    """
    raise NotImplementedError
