"""Embeddings without a model: deterministic vectors, in the time that an engine would take."""

import hashlib
import math
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from vgate.embedding.answer import packed
from vgate.embedding.base import Asked, Embedding, Input, Item, Limits, Vector
from vgate.embedding.inputs import one_of, read_inputs, too_long
from vgate.engine.dry_shapes import validated
from vgate.engine.dry_steps import StepClock, engine_died
from vgate.engine.dry_words import count_words
from vgate.engine.fields import refuse_unknown
from vgate.errors import BadRequest


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    model: str | None = None
    input: Any = None
    dimensions: int | None = Field(None, ge=1)
    encoding_format: Literal["float", "base64"] | None = "float"
    user: str | None = None


class DryRunEmbedding(Embedding):
    """Unit vectors drawn from a hash of each item; a token is a word.

    All items that are in the engine are read in one step: `step_ms` plus their tokens at `tokens_per_s`. Shorter
    vectors are beginnings of the whole one, made unit vectors again, as those of Matryoshka models.
    """

    def __init__(
        self,
        model_id: str,
        served_model_name: str | None,
        max_model_len: int | None,
        dimensions: int,
        tokens_per_s: float,
        step_ms: float,
        padded: bool,
        max_batch_tokens: int,
        max_batch_items: int,
        max_waiting_items: int,
    ) -> None:
        self.limits = Limits(max_batch_tokens, max_batch_items, max_waiting_items, padded)
        self._timing = (tokens_per_s, step_ms / 1000, 0.0, max_batch_items)
        self._clock: StepClock | None = None
        self._model = served_model_name or model_id
        self._max_model_len = max_model_len or 32768
        self._dimensions = dimensions

    async def start(self) -> None:
        self._clock = StepClock(*self._timing, padded=self.limits.padded)

    async def stop(self) -> None:
        clock, self._clock = self._clock, None
        if clock is not None:
            await clock.stop()

    @property
    def ready(self) -> bool:
        return self._clock is not None

    @property
    def fingerprint(self) -> str:
        return f"dry_run:{self._model}:{self._max_model_len}:{self._dimensions}"

    def models(self) -> list[dict[str, Any]]:
        card = {"id": self._model, "object": "model", "created": 0, "owned_by": "vgate"}
        return [{**card, "max_model_len": self._max_model_len}]

    def read(self, body: dict[str, Any]) -> Asked:
        refuse_unknown(body, _Body.model_fields)
        form = validated(_Body, {**body, "input": None})
        assert isinstance(form, _Body)  # the shape that was asked for
        dimensions = form.dimensions or self._dimensions
        if dimensions > self._dimensions:
            raise BadRequest(f"dimensions: at most {self._dimensions} here, got {dimensions}", "dimensions")
        fields = {"model": one_of(form.model, [self._model]), "dimensions": dimensions}
        return Asked(read_inputs(body, self.limits.waiting_items), fields, form.encoding_format or "float")

    async def prepare(self, asked: Asked, index: int) -> Item:
        item = asked.inputs[index]
        tokens = max(1, count_words(item)) if isinstance(item, str) else len(item)
        if tokens > self._max_model_len:
            raise too_long(index, tokens, self._max_model_len)
        return Item(tokens, (item, asked.fields["dimensions"]))

    async def run(self, item: Item) -> Vector:
        if self._clock is None:
            raise engine_died()
        await self._clock.prefill(item.tokens)
        return Vector(packed(_vector(*item.payload)), item.tokens)


def _vector(item: Input, dimensions: int) -> list[float]:
    raw = hashlib.shake_128(orjson.dumps(item)).digest(2 * dimensions)
    numbers = [int.from_bytes(raw[i : i + 2], "big") / 32767.5 - 1 for i in range(0, len(raw), 2)]
    length = math.sqrt(sum(x * x for x in numbers)) or 1.0
    return [x / length for x in numbers]
