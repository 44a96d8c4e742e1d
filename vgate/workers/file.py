"""Workers that a file lists, which may change at any time."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path

from vgate.config.workers_schema import read_workers
from vgate.engine.loading import in_thread
from vgate.workers.source import Source
from vgate.workers.specs import specs_of
from vgate.workers.worker import WorkerSpec

logger = logging.getLogger(__name__)

# How often the file is read, and how long that may take: it may lie where nobody answers.
POLL_S = 1.0
READ_LIMIT_S = 10.0

Read = Callable[[Path], Awaitable[bytes]]


class File(Source):
    """A list of workers as YAML or JSON, with the keys of `engine.workers`.

    Of a file that is wrong, half written or gone, the last list that was right holds; that is logged once for each such
    content, and counted.
    """

    def __init__(self, path: str, read: Read | None = None) -> None:
        self.path = Path(path)
        self._read = read or _read
        self._failures = 0

    def same_as(self, other: Source) -> bool:
        return isinstance(other, File) and other.path == self.path

    @property
    def failures(self) -> int:
        return self._failures

    async def watch(self) -> AsyncGenerator[Sequence[WorkerSpec], None]:
        known, problem = None, ""
        while True:
            try:
                specs = await self._specs()
            except ValueError as error:
                if str(error) != problem:
                    problem = str(error)
                    self._failures += 1
                    told = {"path": str(self.path), "error": problem}
                    logger.error("worker list not read", extra=told)  # noqa: TRY400  the line says it all
                specs = known or []
            else:
                problem = ""
            if specs != known:
                known = specs
                yield specs
            await asyncio.sleep(POLL_S)

    async def _specs(self) -> list[WorkerSpec]:
        """The file's list. Raises ValueError with what is wrong with it, in one line."""
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                content = await self._read(self.path)
        except TimeoutError:
            raise ValueError(f"cannot be read within {READ_LIMIT_S:g} s") from None
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from None
        return specs_of(read_workers(content))


async def _read(path: Path) -> bytes:
    return await in_thread(path.read_bytes, lambda _: None)
