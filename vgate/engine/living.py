"""What every engine has, of chats as of embeddings: a life, which is watched and counted."""

from abc import ABC, abstractmethod
from typing import Any

from vgate.engine.restart import Restarting


class Living(ABC):
    """Life: `start`, work, `stop`. One that has died is not `ready`, until `watch` has restarted it.

    serves: whether it answers anything; where not, nobody asks how it is.
    """

    serves = True

    @abstractmethod
    async def start(self) -> None:
        """Load what is needed; raises EngineStartError with the cause in one line."""

    @abstractmethod
    async def stop(self) -> None:
        """Free everything. May be called at any time, also twice."""

    async def watch(self) -> None:
        """Restart the engine each time it dies. Runs until stopped; raises EngineStartError when it gives up."""
        return

    @property
    def deaths(self) -> int:
        """How often it has died since it was made."""
        return 0

    @property
    def restarts(self) -> int:
        """How often it has come back."""
        return 0

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether it can answer now."""

    @property
    def back_in_s(self) -> float | None:
        """Seconds until one that has died should be ready again. None: not known."""
        return None

    @abstractmethod
    def models(self) -> list[dict[str, Any]]:
        """The served models as objects of `/v1/models`."""


class Restarted(Living):
    """One whose work a core does, which is replaced when it dies."""

    _running: Restarting[Any]

    async def start(self) -> None:
        await self._running.start()

    async def stop(self) -> None:
        await self._running.stop()

    async def watch(self) -> None:
        await self._running.watch()

    @property
    def deaths(self) -> int:
        return self._running.deaths

    @property
    def restarts(self) -> int:
        return self._running.restarts

    @property
    def ready(self) -> bool:
        return self._running.core is not None

    @property
    def back_in_s(self) -> float | None:
        return self._running.back_in_s
