"""Knowing when nothing goes on any more."""

import asyncio
import contextlib
from collections.abc import Iterator


class Underway:
    """Counts what is under way."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Within it, one more is."""
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._idle.set()

    async def over(self) -> None:
        """Until nothing is."""
        while self._count:
            self._idle.clear()
            await self._idle.wait()
