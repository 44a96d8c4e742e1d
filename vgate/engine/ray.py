"""Replicas of a local engine under Ray Serve: placed, watched, replaced, scaled and upgraded by Ray."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from vgate.engine.ray_source import RaySource
from vgate.engine.ray_thread import Calls
from vgate.engine.upstream import UpstreamEngine
from vgate.errors import EngineStartError
from vgate.routing.base import Routing
from vgate.workers.worker import WorkerSpec

if TYPE_CHECKING:
    from vgate.engine.ray_cluster import Cluster

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LOOK_S = 0.2
_STOP_LIMIT_S = 20.0


class RayEngine(UpstreamEngine):
    """Ray says who the replicas are; calls go to them straight, by HTTP, as to any other worker.

    For tokens do not travel well through Ray: see `experiments/ray_tokens.py`.
    """

    def __init__(  # noqa: PLR0913, PLR0917  the keys of its section
        self,
        health: dict[str, Any],
        breaker: dict[str, Any],
        retry: dict[str, Any],
        hedge: dict[str, Any],
        timeouts: dict[str, Any],
        keep_s: float,
        continue_streams: bool,
        continue_seeded: bool,
        continue_wait_s: float,
        fingerprint: str,
        model: dict[str, Any],
        routing: Routing,
        ray: dict[str, Any],
        replica: dict[str, Any],
    ) -> None:
        super().__init__(
            workers=[],
            workers_file=None,
            workers_dns=None,
            dns={},
            health=health,
            breaker=breaker,
            retry=retry,
            hedge=hedge,
            timeouts=timeouts,
            keep_s=keep_s,
            continue_streams=continue_streams,
            continue_seeded=continue_seeded,
            continue_wait_s=continue_wait_s,
            fingerprint=f"{fingerprint}\n{_digest({'model': model, 'engine': replica.get('engine')})}",
            model=model,
            routing=routing,
        )
        self._ray, self._replica = ray, replica
        self._cluster: Cluster | None = None
        self._calls: Calls | None = None
        self.pool.source = RaySource(self._specs, ray["poll_s"])

    async def start(self) -> None:
        cluster = _cluster(self._ray, self._replica)
        self._cluster, self._calls = cluster, Calls("ray")
        await self._asked(cluster.connect)
        _take_sigterm_back()
        await self._asked(cluster.deploy)
        try:
            async with asyncio.timeout(self._ray["start_timeout_s"]):
                while not await self._asked(cluster.running):  # noqa: ASYNC110  Serve rings no bell
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            told = await self._asked(cluster.told)
            limit = f"{self._ray['start_timeout_s']:g} s (ray.start_timeout_s)"
            raise EngineStartError(f"the replicas are not all there within {limit}: {told}") from None
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        cluster, self._cluster = self._cluster, None
        if cluster is None:
            return
        signal.alarm(0)  # see _take_sigterm_back, of a signal that came before
        limit_s = self._ray["drain_s"] + _STOP_LIMIT_S
        try:
            async with asyncio.timeout(limit_s):
                await self._asked(cluster.stop)
        except TimeoutError:
            logger.error("Ray does not end", extra={"limit_s": limit_s})  # noqa: TRY400  the line says it all
        assert self._calls is not None
        self._calls.end()

    async def _specs(self) -> dict[str, WorkerSpec]:
        """By the replica's id. Raises OSError when Ray does not tell."""
        return {} if self._cluster is None else await self._asked(self._cluster.replicas)

    async def _asked(self, ask: Callable[[], T]) -> T:
        assert self._calls is not None
        return await self._calls(ask)


def _cluster(ray: dict[str, Any], replica: dict[str, Any]) -> Cluster:
    _prepare(own=ray["address"] is None)
    try:
        from vgate.engine.ray_cluster import Cluster
    except ImportError as error:
        raise EngineStartError(f"engine=ray needs Ray ({error}): pip install 'vgate[ray]'") from None
    return Cluster(ray, replica)


def _prepare(*, own: bool) -> None:
    """Ray reads these as it is imported: nothing is reported to its makers, and Serve's log goes to its own files.

    Who may run code in a Ray that is started here is who knows a token; by itself Ray keeps one in the home folder.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_SERVE_LOG_TO_STDERR", "0")
    if own and not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _take_sigterm_back() -> None:
    """Ray handles it too, with a stack trace, and an alarm that aborts the process three seconds later."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def _digest(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()
