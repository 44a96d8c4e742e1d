"""What the live page shows, as JSON."""

import itertools
import platform
from typing import Any

import vgate
from vgate.api.admin_records import gauges
from vgate.api.service import Service
from vgate.engine.living import Living
from vgate.limits.base import Level, Limits, Standing
from vgate.observe.recent import KEYS
from vgate.percentile import minimum_n
from vgate.security.base import Security

_CHOICES = ("batch", "queue", "cache", "dedup", "security")
# So many are shown, those with most requests first.
_MOST_KEYS = KEYS


async def dashboard_data(service: Service, now: float) -> dict[str, Any]:
    """At loop time `now`, which is its `t`.

    `recent` is as in `Recent.snapshot`, `gauges` as in `gauges`, `limits` as in `_limits`. `minimum_n`: by percentile,
    the requests that it needs. `ready` of an engine that serves nothing is null.
    """
    settings, held = service.settings, service.gateway.cache.held
    recent = service.recent.snapshot(now)
    return {
        "t": now,
        "server": {
            "version": vgate.__version__,
            "python": platform.python_version(),
            "graph": service.graph,
            "model": settings.model.public_name,
            "ready": service.ready,
            "stopping": service.leaving,
        },
        "choices": {name: _option(getattr(settings, name).target) for name in _CHOICES},
        "engine": _engine(settings.engine.target, service.engine),
        "embedding": _engine(settings.embedding.target, service.embedding),
        "gauges": gauges(service),
        "held": {"entries": held.entries, "bytes": held.bytes},
        "limits": await _limits(service.security, [use["name"] for use in recent["keys"]]),
        "minimum_n": {str(percent): minimum_n(percent) for percent in (50, 90, 99)},
        "recent": recent,
    }


def _option(target: str) -> str:
    """`lru`, of `vgate.cache.lru.LruCache`."""
    return target.split(".")[-2]


def _engine(target: str, engine: Living) -> dict[str, Any]:
    return {
        "name": _option(target),
        "ready": engine.ready if engine.serves else None,
        "deaths": engine.deaths,
        "restarts": engine.restarts,
        "back_in_s": engine.back_in_s,
    }


async def _limits(security: Security, asking: list[str]) -> dict[str, Any]:
    """How keys stand: those that have asked, then the others, up to 100 together; `left_out`: how many more there are.

    By name: `requests` and `tokens` in any `window_s` seconds and requests at once, null where there is no such limit;
    `requests_used` and `tokens_used` of them, tokens of requests under way as they are reserved. Null: nobody can tell.
    """
    limits = security.limits
    asked = [name for name in asking if name in limits]
    shown = list(dict.fromkeys([*asked, *itertools.islice(limits, _MOST_KEYS)]))[:_MOST_KEYS]
    keys = {name: _limit(limits[name], await security.standing(name)) for name in shown}
    windows = (limit.window_s for limit in limits.values() if limit is not None)
    return {"window_s": next(windows, None), "keys": keys, "left_out": len(limits) - len(shown)}


def _limit(limits: Limits | None, standing: Standing) -> dict[str, int | None]:
    if limits is None:
        return {}
    return {
        "requests": limits.requests,
        "requests_used": _used(standing.requests),
        "tokens": limits.tokens,
        "tokens_used": _used(standing.tokens),
        "concurrency": limits.concurrency,
    }


def _used(level: Level | None) -> int | None:
    return None if level is None else level.limit - level.left
