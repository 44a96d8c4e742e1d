"""The list of workers as Ray knows it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from vgate.errors import EngineStartError
from vgate.workers.source import Source
from vgate.workers.worker import WorkerSpec

logger = logging.getLogger(__name__)

#: The replicas by the ids that Ray has given them; raises OSError and EngineStartError.
Ask = Callable[[], Awaitable[Mapping[str, WorkerSpec]]]


class RaySource(Source):
    """Asks so often. While there is no answer, the last list holds.

    A replica is called by the lowest number that is free, `replica-0`: Ray's ids are new ones for ever, and metrics are
    kept by name.
    """

    def __init__(self, ask: Ask, poll_s: float) -> None:
        self._ask = ask
        self._poll_s = poll_s
        self._numbers: dict[str, int] = {}
        self._failures = 0
        self._problem = ""

    @property
    def failures(self) -> int:
        return self._failures

    async def watch(self) -> AsyncGenerator[Sequence[WorkerSpec], None]:
        known: list[WorkerSpec] | None = None
        while True:
            specs = await self._list(known or [])
            if specs != known:
                known = specs
                yield specs
            await asyncio.sleep(self._poll_s)

    async def _list(self, known: list[WorkerSpec]) -> list[WorkerSpec]:
        try:
            found = await self._ask()
        except (OSError, EngineStartError) as error:
            self._tell(str(error) or type(error).__name__)
            return known
        self._tell("")
        self._number(found)
        return [replace(spec, name=f"replica-{self._numbers[replica]}") for replica, spec in found.items()]

    def _number(self, found: Mapping[str, WorkerSpec]) -> None:
        self._numbers = {replica: number for replica, number in self._numbers.items() if replica in found}
        taken = set(self._numbers.values())
        free = (number for number in range(len(found) + len(taken)) if number not in taken)
        self._numbers |= {replica: next(free) for replica in found if replica not in self._numbers}

    def _tell(self, problem: str) -> None:
        if problem:
            self._failures += 1
        if problem and problem != self._problem:
            logger.error("Ray does not tell its replicas", extra={"error": problem})
        self._problem = problem
