"""An engine without a model: deterministic text, in the time that a batching engine would take."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from vgate.engine.base import Engine
from vgate.engine.dry_answers import embeddings, stream, whole
from vgate.engine.dry_request import DryRequest, read_request
from vgate.engine.dry_steps import StepClock
from vgate.types import Call, Capacity, Job


class DryRunEngine(Engine):
    """Continuous batching in simulated time: prefill is shared, a decode step grows with the sequences that run.

    Text is words drawn from a hash of prompt, seed and choice; a token is a word. Fields that need a model (tools,
    logprobs, response_format, ...) are refused.
    """

    def __init__(
        self,
        prefill_tokens_per_s: float,
        decode_step_ms: float,
        decode_step_per_seq_ms: float,
        max_num_seqs: int,
        embedding_dimensions: int,
        model: dict[str, Any],
    ) -> None:
        self._clock = StepClock(
            prefill_tokens_per_s, decode_step_ms / 1000, decode_step_per_seq_ms / 1000, max_num_seqs
        )
        self._max_num_seqs = max_num_seqs
        self._dimensions = embedding_dimensions
        self._model = str(model["served_model_name"] or model["model_id"])
        self._max_model_len = int(model["max_model_len"] or 32768)
        self._ready = False

    async def start(self) -> None:
        self._ready = True

    async def stop(self) -> None:
        self._ready = False
        await self._clock.stop()

    @property
    def ready(self) -> bool:
        return self._ready

    @property
    def fingerprint(self) -> str:
        return f"dry_run:{self._model}:{self._max_model_len}:{self._dimensions}"

    @property
    def sampling_defaults(self) -> dict[str, Any]:
        return {"temperature": 1.0}

    @property
    def capacity(self) -> Capacity:
        return Capacity(self._max_num_seqs, self._max_num_seqs * self._max_model_len)

    def models(self) -> list[dict[str, Any]]:
        return [
            {
                "id": self._model,
                "object": "model",
                "created": 0,
                "owned_by": "vgate",
                "max_model_len": self._max_model_len,
            }
        ]

    async def prepare(self, call: Call) -> Job:
        request = read_request(call, self._model, self._max_model_len, self._dimensions)
        return Job(call, request.prompt_tokens, request, request.max_tokens)

    async def run(self, job: Job) -> AsyncGenerator[bytes, None]:
        request: DryRequest = job.payload
        if job.call.endpoint == "embeddings":
            await self._clock.prefill(request.prompt_tokens)
            yield embeddings(request, self._model)
            return
        sequences = [self._clock.sequence(request.prompt_tokens, len(words)) for words in request.choices]
        try:
            if job.call.stream:
                async for event in stream(job.call, request, self._model, sequences):
                    yield event
            else:
                await asyncio.gather(*(sequence.finish() for sequence in sequences))
                yield whole(job.call, request, self._model)
        finally:
            for sequence in sequences:
                sequence.abort()
