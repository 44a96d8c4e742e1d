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

    What has changed is taken when it is read a second time and is the same: a file that is being written may look
    right. Of one that is wrong, half written or gone, the last list that was right holds; that is logged once for each
    such content, and counted each time that it is read.
    """

    def __init__(self, path: str, read: Read | None = None) -> None:
        self.path = Path(path)
        self._read = read or _read
        self._failures = 0
        self._problem = ""
        self._seen: bytes | None = None

    def same_as(self, other: Source) -> bool:
        return isinstance(other, File) and other.path == self.path

    @property
    def failures(self) -> int:
        return self._failures

    async def watch(self) -> AsyncGenerator[Sequence[WorkerSpec], None]:
        known: list[WorkerSpec] | None = None
        while True:
            specs = await self._specs()
            if specs is None and known is None:
                specs = []
            if specs is not None and specs != known:
                known = specs
                yield specs
            await asyncio.sleep(POLL_S)

    async def _specs(self) -> list[WorkerSpec] | None:
        """The file's list; None where there is no new one, or none yet."""
        try:
            content = await self._content()
            before, self._seen = self._seen, content
            if before is not None and content != before:
                return None  # somebody may still be writing
            specs = specs_of(read_workers(content))
        except ValueError as error:
            self._tell(str(error))
            return None
        self._problem = ""
        return specs

    def _tell(self, problem: str) -> None:
        self._failures += 1
        if problem != self._problem:
            logger.error("worker list not read", extra={"path": str(self.path), "error": problem})
        self._problem = problem

    async def _content(self) -> bytes:
        """Raises ValueError with why there is none, in one line."""
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                return await self._read(self.path)
        except TimeoutError:
            raise ValueError(f"cannot be read within {READ_LIMIT_S:g} s") from None
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from None


async def _read(path: Path) -> bytes:
    return await in_thread(path.read_bytes, lambda _: None)
