"""Other OpenAI-compatible servers, as many as there are: vLLM elsewhere, another V-Gate."""

import hashlib
from collections.abc import AsyncGenerator
from typing import Any

from vgate.engine.base import Engine
from vgate.errors import BadRequest
from vgate.routing.base import Routing
from vgate.types import Call, Capacity, Job, Occupancy
from vgate.upstream.asking import PATHS, Asking, asking_of
from vgate.upstream.client import Client, Timeouts
from vgate.upstream.events import whole
from vgate.upstream.opening import Opening
from vgate.upstream.span import count
from vgate.upstream.unbroken import Unbroken
from vgate.workers.assembly import pool_of
from vgate.workers.pool import Pool

# Tokens are the worker's; until it has counted them, a prompt is taken for so many bytes a token.
_BYTES_PER_TOKEN = 4
_PREFIXES = {"chat": "chatcmpl", "completions": "cmpl"}


class UpstreamEngine(Engine):
    """Passes calls to a pool of workers, and their answers back unchanged but for the id.

    All fields pass; what is wrong with them the worker says, before the answer's first byte. The section `model` is not
    used: what is served the workers say.
    """

    pool: Pool

    def __init__(  # noqa: PLR0913, PLR0917  the keys of its section
        self,
        workers: list[dict[str, Any]],
        workers_file: str | None,
        workers_dns: str | None,
        dns: dict[str, Any],
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
    ) -> None:
        self._client = Client(Timeouts(**timeouts), keep_s)
        section = {"workers": workers, "workers_file": workers_file, "workers_dns": workers_dns, "dns": dns}
        self.pool = pool_of(
            {**section, "health": health, "breaker": breaker, "retry": retry}, self._client.get, routing
        )
        opening = Opening(self._client, self.pool, retry["max_attempts"], hedge["after_ms"])
        self._unbroken = Unbroken(
            opening, self.pool, on=continue_streams, seeded=continue_seeded, wait_s=continue_wait_s
        )
        self._fingerprint = fingerprint
        self._running = False

    async def start(self) -> None:
        await self.pool.start()
        self._running = True

    async def stop(self) -> None:
        self._running = False
        await self.pool.stop()
        self._client.close()

    @property
    def ready(self) -> bool:
        return self._running and self.pool.ready

    @property
    def back_in_s(self) -> float | None:
        return self.pool.back_in_s

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self._fingerprint}\n{self.pool.fingerprint}".encode()).hexdigest()

    @property
    def sampling_defaults(self) -> dict[str, Any]:
        """Not told by workers; OpenAI's, which takes what names no temperature for drawn at random."""
        return {"temperature": 1.0}

    @property
    def checks_elsewhere(self) -> bool:
        return True

    @property
    def capacity(self) -> Capacity:
        return self.pool.capacity

    @property
    def occupancy(self) -> Occupancy:
        return self.pool.occupancy if self._running else Occupancy()

    def models(self) -> list[dict[str, Any]]:
        return self.pool.models()

    async def prepare(self, call: Call) -> Job:
        if call.endpoint not in PATHS:
            raise BadRequest(f"Workers are not asked for {call.endpoint}.", "model", "unsupported_endpoint")
        asking = asking_of(call, PATHS[call.endpoint], call.body)
        return Job(call, max(1, len(asking.body) // _BYTES_PER_TOKEN), asking, _most(call.body))

    def run(self, job: Job) -> AsyncGenerator[bytes, None]:
        own = f"{_PREFIXES[job.call.endpoint]}-{job.call.id}"
        if job.call.stream:
            return self._unbroken.events(job.call, job.payload, own, job.span)
        return self._whole(job, own)

    async def _whole(self, job: Job, own: str) -> AsyncGenerator[bytes, None]:
        answer = await self.whole(job.call, job.payload)
        count(job.span, answer)
        yield whole(answer, own)

    async def whole(self, call: Call, asking: Asking) -> bytes:
        """A worker's whole answer, as it is. Raises ApiError."""
        opened = await self._unbroken.opening.first(call, asking)
        opened.close("ok")
        return opened.first


def _most(body: dict[str, Any]) -> int:
    """Tokens that are asked for at most; 0 where no bound is named."""
    each = body.get("max_completion_tokens") or body.get("max_tokens")
    choices = body.get("n") or 1
    return each * choices if isinstance(each, int) and isinstance(choices, int) else 0
