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
from vgate.workers.member import Member
from vgate.workers.pool import Pool

_CHOICES = ("batch", "queue", "cache", "dedup", "security")
# So many are shown, those with most requests first.
_MOST_KEYS = KEYS
# So many are shown, those with trouble first.
_MOST_WORKERS = 100


async def dashboard_data(service: Service, now: float) -> dict[str, Any]:
    """At loop time `now`, which is its `t`.

    `recent` is as in `Recent.snapshot`, `gauges` as in `gauges`, `limits` as in `_limits`, `workers` as in `_workers`,
    null where the engine has none. `minimum_n`: by percentile, the requests that it needs. `ready` of an engine that
    serves nothing is null.
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
        "workers": None if service.engine.pool is None else _workers(service.engine.pool, now),
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


def _workers(pool: Pool, now: float) -> dict[str, Any]:
    """`list`: up to 100, by name; `left_out`: how many more there are; `retries` by what the budget said of them.

    Of each `state`: as `Health` has it, or leaving; `breaker`: its state, and `opened`, how often it has; `in_flight`
    of `max_concurrency`, which may be null; `ended`: requests since it came, by outcome.
    """
    members = pool.members
    troubled_first = sorted(members, key=lambda member: member.ready and member.breaker.until is None)
    shown = sorted(troubled_first[:_MOST_WORKERS], key=lambda member: member.worker.name)
    return {
        "list": [_worker(member, now) for member in shown],
        "left_out": len(members) - len(shown),
        "retries": {"allowed": pool.budget.allowed, "refused": pool.budget.refused},
    }


def _worker(member: Member, now: float) -> dict[str, Any]:
    worker = member.worker
    return {
        "name": worker.name,
        "state": "leaving" if member.leaving else worker.health,
        "breaker": member.breaker.state(now),
        "opened": member.breaker.opened,
        "in_flight": worker.in_flight,
        "max_concurrency": worker.max_concurrency,
        "ended": dict(worker.ended),
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
