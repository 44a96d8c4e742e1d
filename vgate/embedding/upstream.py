"""Embeddings by the workers of `engine=upstream`."""

import base64
import binascii
import secrets
import sys
from collections.abc import Sequence
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from vgate.embedding.answer import packed
from vgate.embedding.base import Asked, Embedding, Input, Item, Limits, Vector
from vgate.embedding.inputs import read_inputs
from vgate.embedding.together import Together
from vgate.engine.dry_shapes import validated
from vgate.engine.fields import refuse_unknown
from vgate.engine.upstream import UpstreamEngine
from vgate.errors import ApiError, BadRequest
from vgate.types import Call
from vgate.upstream.asking import EMBEDDINGS, asking_of

# Tokens are the worker's; until it has counted them, a text is taken for so many bytes a token.
_BYTES_PER_TOKEN = 4


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    model: str
    input: Any = None
    dimensions: int | None = Field(None, ge=1)
    encoding_format: Literal["float", "base64"] | None = "float"
    user: str | None = None


class UpstreamEmbedding(Embedding):
    """Passes items to a worker that serves the model, by the engine's pool: routing, retries and limits are the same.

    Each item has its own entry in the cache, so fields that are not known are refused. What is wrong with an item its
    worker says. Workers count the tokens of a request, not of an item: they are shared out by the items' lengths.
    """

    def __init__(self, max_batch_items: int, max_waiting_items: int, engine: UpstreamEngine) -> None:
        self.limits = Limits(sys.maxsize, max_batch_items, max_waiting_items)
        self._engine = engine
        self._together = Together(self._vectors)

    async def start(self) -> None:
        """The engine has started its pool."""

    async def stop(self) -> None:
        """See `start`."""

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
        """Among those of the engine: workers do not tell which of theirs make vectors."""
        return []

    def read(self, body: dict[str, Any]) -> Asked:
        refuse_unknown(body, _Body.model_fields)
        form = validated(_Body, {**body, "input": None})
        assert isinstance(form, _Body)  # the shape that was asked for
        dimensions = {} if form.dimensions is None else {"dimensions": form.dimensions}
        inputs = read_inputs(body, self.limits.waiting_items)
        return Asked(inputs, {"model": form.model, **dimensions}, form.encoding_format or "float")

    async def prepare(self, asked: Asked, index: int) -> Item:
        item = asked.inputs[index]
        return Item(_size(item), (asked.fields, item))

    async def run(self, item: Item) -> Vector:
        return await self._together.vector(*item.payload)

    async def _vectors(self, fields: dict[str, Any], inputs: Sequence[Input]) -> list[Vector]:
        """One request to one worker. Raises ApiError."""
        body = {**fields, "input": inputs, "encoding_format": "base64"}
        call = Call(secrets.token_hex(16), "embeddings", body)
        answer = await self._engine.whole(call, asking_of(call, EMBEDDINGS, body))
        try:
            return _read(orjson.loads(answer), [_size(item) for item in inputs], fields.get("dimensions"))
        except (ValueError, TypeError, LookupError, AttributeError):  # read as what it should be
            message = "The worker answered with something else than the vectors that it was asked for."
            raise ApiError(502, message, "server_error", code="upstream_failed") from None


def _size(item: Input) -> int:
    return (
        max(1, len(item.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN) if isinstance(item, str) else len(item)
    )


def _read(answer: dict[str, Any], sizes: Sequence[int], dimensions: int | None) -> list[Vector]:
    rows = sorted(answer["data"], key=lambda row: row["index"])
    if [row["index"] for row in rows] != list(range(len(sizes))):
        raise ValueError
    counted = (answer.get("usage") or {}).get("prompt_tokens")
    tokens = _shares(counted if isinstance(counted, int) and counted > 0 else sum(sizes), sizes)
    vectors = [Vector(_data(row["embedding"]), count) for row, count in zip(rows, tokens, strict=True)]
    wrong = next((len(vector.data) // 4 for vector in vectors if dimensions not in (None, len(vector.data) // 4)), None)
    if wrong is not None:
        message = f"dimensions: the worker's vectors have {wrong}, whatever is asked for; got {dimensions}"
        raise BadRequest(message, "dimensions")
    return vectors


def _data(embedding: Any) -> bytes:
    """As base64, or as a list by servers that know no other form."""
    if not isinstance(embedding, str):
        return packed(embedding)
    data = base64.b64decode(embedding, validate=True)
    if not data or len(data) % 4:
        raise binascii.Error
    return data


def _shares(total: int, sizes: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to the sizes, `total` together."""
    shares, before, given, all_of_it = [], 0, 0, sum(sizes)
    for size in sizes:
        before += size
        until = round(total * before / all_of_it)
        shares.append(until - given)
        given = until
    return shares
