"""Replicas of a local engine under Ray Serve: placed, watched, replaced, scaled and upgraded by Ray."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from typing import Any

from vgate.engine.ray_process import RayProcess
from vgate.engine.ray_source import RaySource
from vgate.engine.upstream import UpstreamEngine
from vgate.errors import EngineStartError
from vgate.routing.base import Routing
from vgate.workers.worker import WorkerSpec

logger = logging.getLogger(__name__)

_LOOK_S = 0.2
_STOP_LIMIT_S = 20.0
# Ray that does not answer for so long is started, or joined, again.
_SILENT_S = 20.0
_TELL_LIMIT_S = 30.0


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
        self._process: RayProcess | None = None
        self._answered = 0.0
        self.pool.source = RaySource(self._specs, ray["poll_s"])

    async def start(self) -> None:
        process = await self._begun()
        try:
            async with asyncio.timeout(self._ray["start_timeout_s"]):
                await self._until_running(process)
        except TimeoutError:
            told = await process.ask("told") or "Ray Serve does not say why"
            limit = f"{self._ray['start_timeout_s']:g} s (ray.start_timeout_s)"
            raise EngineStartError(f"the replicas are not all there within {limit}: {told}") from None
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        process, self._process = self._process, None
        if process is None:
            return
        limit_s = self._ray["drain_s"] + _STOP_LIMIT_S
        try:
            async with asyncio.timeout(limit_s):
                for problem in await process.ask("stop"):
                    logger.warning("Ray did not end as it should", extra={"error": problem})
        except TimeoutError:
            logger.error("Ray does not end", extra={"limit_s": limit_s})  # noqa: TRY400  the line says it all
        except (EngineStartError, OSError) as error:
            logger.warning("Ray did not end as it should", extra={"error": str(error)})
        await process.end()

    async def _begun(self) -> RayProcess:
        """Ray is there, and starts the replicas. Raises EngineStartError."""
        process = self._process = RayProcess(self._ray, self._replica)
        try:
            if pages := await process.ask("connect"):
                logger.info("Ray's own pages ask for the token in RAY_AUTH_TOKEN", extra={"url": pages})
            await process.ask("deploy")
        except OSError as error:
            raise EngineStartError(str(error)) from None
        finally:
            self._answered = asyncio.get_running_loop().time()
        return process

    async def _until_running(self, process: RayProcess) -> None:
        said = ""
        while not await process.ask("running"):
            if (told := await process.ask("told")) != said:
                said = told
                logger.info("waiting for replicas", extra={"told": told})
            await asyncio.sleep(_LOOK_S)

    async def _specs(self) -> dict[str, WorkerSpec]:
        """By the replica's id. Raises OSError when there are none to ask, EngineStartError when Ray has gone."""
        if self._process is None:
            return {}
        try:
            async with asyncio.timeout(_TELL_LIMIT_S):
                told = await self._process.ask("replicas")
        except (EngineStartError, TimeoutError):
            if asyncio.get_running_loop().time() - self._answered > _SILENT_S:
                await self._begin_again(self._process)
            raise
        self._answered = asyncio.get_running_loop().time()
        return {replica: WorkerSpec(url, replica, f"Bearer {key}") for replica, (url, key) in told.items()}

    async def _begin_again(self, process: RayProcess) -> None:
        logger.error("Ray does not answer, and is begun with again", extra={"silent_s": _SILENT_S})
        await process.end()
        await self._begun()


def _digest(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()
