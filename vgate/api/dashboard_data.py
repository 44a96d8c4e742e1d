"""What the live page shows, as JSON."""

import platform
from typing import Any

import vgate
from vgate.api.admin_records import gauges
from vgate.api.service import Service
from vgate.config import Settings
from vgate.config.graph import graph_hash
from vgate.percentile import minimum_n

_CHOICES = ("batch", "queue", "cache", "dedup", "security")


def dashboard_data(service: Service, now: float) -> dict[str, Any]:
    """At loop time `now`, which is its `t`.

    `recent` is as in `Recent.snapshot`, `gauges` as in `gauges`; `limits` of each API key: requests and tokens in
    `window_s` seconds and requests at once, null or left out: none. `minimum_n`: by percentile, the requests that it
    needs.
    """
    settings, engine, held = service.settings, service.engine, service.gateway.cache.held
    return {
        "t": now,
        "server": {
            "version": vgate.__version__,
            "python": platform.python_version(),
            "graph": graph_hash(settings),
            "model": settings.model.public_name,
            "ready": service.ready,
            "stopping": service.stopping,
        },
        "choices": {name: _option(getattr(settings, name).target) for name in _CHOICES},
        "engine": {
            "name": _option(settings.engine.target),
            "ready": engine.ready,
            "deaths": engine.deaths,
            "restarts": engine.restarts,
            "back_in_s": engine.back_in_s,
        },
        "embedding": {"name": _option(settings.embedding.target), "ready": service.embedding.ready},
        "gauges": gauges(service),
        "held": {"entries": held.entries, "bytes": held.bytes},
        "limits": _limits(settings),
        "minimum_n": {str(percent): minimum_n(percent) for percent in (50, 90, 99)},
        "recent": service.recent.snapshot(now),
    }


def _option(target: str) -> str:
    """`lru`, of `vgate.cache.lru.LruCache`."""
    return target.split(".")[-2]


def _limits(settings: Settings) -> dict[str, Any]:
    """Of every API key that there is, by its name; a key that has none of its own has the default."""
    security: Any = settings.security
    rule = getattr(security, "rate_limiting", None)
    if rule is None or not rule.enabled:
        return {"window_s": None, "keys": {key.name: {} for key in getattr(security, "api_keys", [])}}
    return {"window_s": rule.window_seconds, "keys": {key.name: _limit(key, rule) for key in security.api_keys}}


def _limit(key: Any, rule: Any) -> dict[str, int | None]:
    return {
        "requests": key.rate_limit or rule.default_limit,
        "tokens": getattr(key, "token_limit", None),
        "concurrency": getattr(key, "concurrency", None),
    }
