"""vLLM's embedding handler, item by item: check and tokenize first, run when admitted. Imports vLLM."""

import sys
from typing import Any

from vllm.entrypoints.pooling.embed.protocol import EmbeddingCompletionRequest
from vllm.entrypoints.pooling.embed.serving import ServingEmbedding

from vgate.engine.fields import refuse_unsupported
from vgate.engine.vllm_requests import read
from vgate.errors import BadRequest

_BINARY = "only encoding_format float and base64 are, of 32-bit little-endian floats"
_UNSUPPORTED = {
    "mm_processor_kwargs": "items are text or token ids",
    "embed_dtype": _BINARY,
    "endianness": _BINARY,
}
# Fields that say nothing about the vectors.
_ASIDE = frozenset({"input", "user", "encoding_format", "model", "request_id", "priority"})


class EmbedRequest(EmbeddingCompletionRequest):
    """vLLM's embedding request."""


class Embed(ServingEmbedding):
    """The steps of vLLM's handler as methods of their own."""

    def parse(self, body: dict[str, Any]) -> EmbedRequest:
        """The request without its input. BadRequest for what vLLM refuses, or what would have no effect here."""
        refuse_unsupported(body, _UNSUPPORTED)
        request: EmbedRequest = read(EmbedRequest, {**body, "input": ""})
        if request.encoding_format not in ("float", "base64"):
            raise BadRequest(f"encoding_format: {_BINARY}, got {request.encoding_format!r}", "encoding_format")
        if request.priority:
            raise BadRequest("priority must be 0: items are served first come, first served", "priority")
        if request.dimensions == self.model_config.embedding_size:
            request.dimensions = None  # what vLLM gives anyway, and refuses to be asked of most models
        request.to_pooling_params().verify(self.model_config)
        return request

    async def render(self, request: EmbedRequest, item: str | list[int], request_id: str) -> Any:
        """The item, tokenized and checked. Raises vLLM's errors."""
        alone = request.model_copy(update={"input": item, "request_id": request_id})
        context = await self._init_ctx(self.io_processor, alone)
        await self._preprocessing(self.io_processor, context)
        return context

    async def vector(self, context: Any) -> bytes:
        """Run what was rendered: its vector's 32-bit floats. Cancelling aborts it in the engine."""
        await self._prepare_generators(context)
        await self._collect_batch(context)
        self.io_processor.post_process_online(context)
        numbers = context.final_res_batch[0].outputs.data.float().contiguous().numpy()
        if sys.byteorder == "big":
            numbers = numbers.byteswap()
        data: bytes = numbers.tobytes()
        return data


def fields_of(request: EmbedRequest) -> dict[str, Any]:
    """What of a request decides its vectors."""
    return {name: value for name, value in request.model_dump(exclude_none=True).items() if name not in _ASIDE}


def tokens_of(context: Any) -> int:
    """How many tokens the engine will read."""
    return sum(len(rendered["prompts"]["prompt_token_ids"]) for rendered in context.engine_inputs)
