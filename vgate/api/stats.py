"""`/stats`: what a server is doing, as one JSON object."""

import asyncio
from typing import Any

import vgate
from vgate.api.service import Service
from vgate.engine.living import Living

# What only whoever operates a server may see where callers have keys: what the others do.
_OF_OTHERS = ("keys", "keys_left_out", "last_errors")


def stats(service: Service, *, whole: bool) -> dict[str, Any]:
    """State, the last minute (`Recent.snapshot`) and every metric; without `whole` nothing of single callers.

    The percentiles of the last minute are of sketches, within 1 % of the exact ones, and null below the number of
    requests that they need (p50 7, p90 44, p99 459).
    """
    recent = service.recent.snapshot(asyncio.get_running_loop().time())
    return {
        "version": vgate.__version__,
        "uptime_s": recent["uptime_s"],
        "ready": service.ready,
        "stopping": service.leaving,
        "engine": _engine(service.engine) | service.engine.occupancy._asdict(),
        "embedding": _engine(service.embedding),
        "cache_entries": len(service.gateway.cache),
        "recent": recent if whole else {name: told for name, told in recent.items() if name not in _OF_OTHERS},
        "metrics": service.metrics.stats(),
    }


def is_open(service: Service) -> bool:
    """Whether there are no keys: then everybody may see everything."""
    return service.settings.security.target == "vgate.security.none.Open"


def _engine(engine: Living) -> dict[str, Any]:
    """Of either kind of engine."""
    return {
        "name": type(engine).__module__.rpartition(".")[2],
        "ready": engine.ready,
        "models": [model["id"] for model in engine.models()] if engine.ready else [],
        "deaths": engine.deaths,
        "restarts": engine.restarts,
        "back_in_s": engine.back_in_s,
    }
