"""No embeddings."""

from typing import Any

from vgate.embedding.base import Asked, Embedding, Item, Limits, Vector
from vgate.errors import BadRequest


class NoEmbedding(Embedding):
    """Is ready at once and refuses every request."""

    serves = False

    def __init__(self) -> None:
        self.limits = Limits(batch_tokens=1, batch_items=1, waiting_items=1)
        self._ready = False

    async def start(self) -> None:
        self._ready = True

    async def stop(self) -> None:
        self._ready = False

    @property
    def ready(self) -> bool:
        return self._ready

    @property
    def fingerprint(self) -> str:
        return "none"

    def models(self) -> list[dict[str, Any]]:
        return []

    def read(self, body: dict[str, Any]) -> Asked:
        message = "This server does not serve embeddings: it runs with embedding=none."
        raise BadRequest(message, "model", "unsupported_endpoint")

    async def prepare(self, asked: Asked, index: int) -> Item:
        raise NotImplementedError("every request is refused when it is read")

    async def run(self, item: Item) -> Vector:
        raise NotImplementedError("every request is refused when it is read")
