"""No chat: for a server of embeddings alone."""

from collections.abc import AsyncGenerator
from typing import Any

from vgate.engine.base import Engine
from vgate.errors import BadRequest
from vgate.types import Call, Job


class NoEngine(Engine):
    """Is ready at once and refuses every call."""

    serves = False

    def __init__(self, model: dict[str, Any]) -> None:
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

    @property
    def sampling_defaults(self) -> dict[str, Any]:
        return {}

    def models(self) -> list[dict[str, Any]]:
        return []

    async def prepare(self, call: Call) -> Job:
        raise BadRequest(
            f"This server does not serve {call.endpoint}: it runs with engine=none.", "model", "unsupported_endpoint"
        )

    def run(self, job: Job) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError("every call is refused when it is prepared")
