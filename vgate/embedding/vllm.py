"""A pooling model on vLLM in this process, beside the chat engine or alone. vLLM is imported when it starts."""

from typing import Any

from vgate.embedding.base import Asked, Embedding, Item, Limits, Vector
from vgate.embedding.inputs import one_of, read_inputs
from vgate.engine.vllm import VllmEngine
from vgate.engine.vllm_names import Names
from vgate.errors import ApiError, BadRequest, EngineStartError

_KEYS = {"max_num_batched_tokens": "max_batch_tokens", "max_num_seqs": "max_batch_items"}


class _PoolingEngine(VllmEngine):
    """The same engine, with another model, another task and other settings."""

    names = Names("embedding", "embedding", _KEYS)
    runner = "pooling"


class VllmEmbedding(Embedding):
    """vLLM's own embedding handler, so that every request field that it knows works here."""

    def __init__(
        self,
        model_id: str,
        served_model_name: str | None,
        revision: str | None,
        dtype: str,
        gpu_memory_utilization: float,
        max_model_len: int | None,
        enforce_eager: bool,
        max_batch_tokens: int,
        max_batch_items: int,
        max_waiting_items: int,
        start_timeout_s: float,
        cpu_threads: int,
        cpu_kvcache_gib: int,
        restart: dict[str, Any],
        extra_args: dict[str, Any],
    ) -> None:
        self.limits = Limits(max_batch_tokens, max_batch_items, max_waiting_items)
        model = {
            "model_id": model_id,
            "served_model_name": served_model_name,
            "revision": revision,
            "dtype": dtype,
            "gpu_memory_utilization": gpu_memory_utilization,
            "max_model_len": max_model_len,
            "enforce_eager": enforce_eager,
            "max_num_batched_tokens": max_batch_tokens,
            "max_num_seqs": max_batch_items,
        }
        extra = {"disable_log_stats": True, **extra_args}
        self._engine = _PoolingEngine(start_timeout_s, cpu_threads, cpu_kvcache_gib, restart, extra, model)
        self._model_id = model_id
        self._number = 0

    async def start(self) -> None:
        await self._engine.start()
        if self._engine.core.embedder is None:
            raise EngineStartError(f"embedding.model_id = {self._model_id!r}: this model makes no embeddings")

    async def watch(self) -> None:
        await self._engine.watch()

    async def stop(self) -> None:
        await self._engine.stop()

    @property
    def deaths(self) -> int:
        return self._engine.deaths

    @property
    def restarts(self) -> int:
        return self._engine.restarts

    @property
    def ready(self) -> bool:
        return self._engine.ready

    @property
    def back_in_s(self) -> float | None:
        return self._engine.back_in_s

    @property
    def fingerprint(self) -> str:
        return self._engine.fingerprint

    def models(self) -> list[dict[str, Any]]:
        return self._engine.models()

    def read(self, body: dict[str, Any]) -> Asked:
        from vgate.engine.vllm_embed import fields_of

        with self._engine.core.api_errors():
            form = self._engine.core.embedder.parse(body)
        model = one_of(form.model, [card["id"] for card in self.models()])
        inputs = read_inputs(body, self.limits.waiting_items)
        return Asked(inputs, {"model": model, **fields_of(form)}, form.encoding_format, form)

    async def prepare(self, asked: Asked, index: int) -> Item:
        from vgate.engine.vllm_embed import tokens_of

        core, item = self._engine.core, asked.inputs[index]
        self._check_ids(item, index)
        self._number += 1
        try:
            with self._engine.core.api_errors():
                context = await core.embedder.render(asked.form, item, f"{index}-{self._number}")
        except ApiError as error:
            if error.status < 500:
                error.message, error.param = f"input[{index}]: {error.message}", "input"
            raise
        return Item(tokens_of(context), context)

    def _check_ids(self, item: str | list[int], index: int) -> None:
        """VLLM finds a token that the model does not have only when it runs."""
        size = self._engine.core.vocabulary
        if isinstance(item, list) and max(item) >= size:
            raise BadRequest(f"input[{index}]: token ids are below {size} here, got {max(item)}", "input")

    async def run(self, item: Item) -> Vector:
        with self._engine.core.api_errors():
            return Vector(await self._engine.core.embedder.vector(item.payload), item.tokens)
