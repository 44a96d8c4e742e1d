"""vLLM in this process. vLLM itself is imported when the engine starts, and only by `vllm_*.py` beside this file."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from vgate.config.model_id import public_name
from vgate.engine.base import Engine
from vgate.engine.living import Restarted
from vgate.engine.loading import in_thread
from vgate.engine.model_files import locate
from vgate.engine.restart import Restarting, RestartPolicy
from vgate.engine.vllm_names import Names
from vgate.errors import EngineStartError, NotReady
from vgate.forms import Shape
from vgate.tracing.base import Export
from vgate.types import Call, Capacity, Job, Occupancy

if TYPE_CHECKING:
    from vgate.engine.vllm_core import VllmCore

logger = logging.getLogger(__name__)


class VllmEngine(Restarted, Engine):
    """AsyncLLM behind vLLM's own OpenAI handlers, so that every request field that vLLM knows works here."""

    names = Names()
    runner = "generate"

    def __init__(
        self,
        start_timeout_s: float,
        cpu_threads: int,
        cpu_kvcache_gib: int,
        restart: dict[str, Any],
        extra_args: dict[str, Any],
        model: dict[str, Any],
    ) -> None:
        self._start_timeout_s = start_timeout_s
        self._cpu = {"threads": cpu_threads, "kvcache_gib": cpu_kvcache_gib}
        self._extra_args = extra_args
        self._model = {**model, "runner": self.runner}
        self._export: Export | None = None
        self._running: Restarting[VllmCore] = Restarting(self._load, RestartPolicy(**restart), self.names.engine)

    def export_spans(self, export: Export | None) -> None:
        self._export = export

    async def _load(self) -> "VllmCore":
        try:
            # Minutes of imports and loading, most of it blocking: in a thread, so that /health answers meanwhile.
            async with asyncio.timeout(self._start_timeout_s):
                core = await in_thread(self._load_blocking, _end)
                await _handlers_built(core)
        except TimeoutError:
            raise EngineStartError(
                f"vLLM was not ready after {self._start_timeout_s:g} s ({self.names.engine}.start_timeout_s)"
            ) from None
        logger.info("engine ready", extra={"engine": "vllm", "model": self._model["model_id"], **core.facts})
        return core

    def _load_blocking(self) -> "VllmCore":
        model_id = locate(self._model["model_id"], f"{self.names.model}.model_id")
        try:
            from vgate.engine.vllm_core import load
        except ModuleNotFoundError as error:
            raise EngineStartError(f"{error}; install vLLM: pip install 'vgate[cpu]' or 'vgate[gpu]'") from None
        name = self._model["served_model_name"] or public_name(self._model["model_id"])
        model = {**self._model, "model_id": model_id, "served_model_name": name}
        return load(model, self._cpu, self._extra_args, self.names, self._export)

    @property
    def core(self) -> "VllmCore":
        """What was loaded; NotReady before."""
        core = self._running.core
        if core is None:
            raise NotReady("The model is not ready.")
        return core

    @property
    def fingerprint(self) -> str:
        return self.core.fingerprint

    @property
    def sampling_defaults(self) -> dict[str, Any]:
        return self.core.sampling_defaults

    @property
    def shapes(self) -> Mapping[str, Shape]:
        return self.core.shapes

    @property
    def capacity(self) -> Capacity:
        core = self._running.core
        return core.capacity if core is not None else Capacity()

    @property
    def occupancy(self) -> Occupancy:
        core = self._running.core
        return core.occupancy if core is not None else Occupancy()

    def models(self) -> list[dict[str, Any]]:
        return self.core.model_cards

    async def prepare(self, call: Call) -> Job:
        return await self.core.prepare(call)

    def run(self, job: Job) -> AsyncGenerator[bytes, None]:
        return self.core.run(job)

    async def reset(self) -> None:
        await self.core.reset()


def _end(core: "VllmCore") -> None:
    core.end()


async def _handlers_built(core: "VllmCore") -> None:
    try:
        await core.start()
    except BaseException:
        await core.stop()
        raise
