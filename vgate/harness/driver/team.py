"""The driver processes of one trial."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from vgate.harness.layout import DRAINED, READY, part_of

T = TypeVar("T")


class Team:
    """This process's place among `size` of them: it takes every `size`-th arrival or user, from number `part` on.

    They agree by files in the plan's folder, which the bench takes away.
    """

    def __init__(self, folder: Path, part: int, size: int) -> None:
        self._folder = folder
        self._size = size
        self.part = part

    def own(self, items: Iterator[T]) -> Iterator[T]:
        """This process's share of the arrivals."""
        return islice(items, self.part, None, self._size)

    def users(self, count: int) -> range:
        """The numbers of this process's users."""
        return range(self.part, count, self._size)

    def say_ready(self) -> None:
        """Everything is built; the bench answers with the start once all are ready."""
        self._say(READY)

    def say_drained(self) -> None:
        """All requests of this process's window have ended."""
        self._say(DRAINED)

    def all_drained(self) -> bool:
        """Whether those of all processes have."""
        return all((self._folder / part_of(DRAINED, part)).exists() for part in range(self._size))

    def _say(self, what: str) -> None:
        (self._folder / part_of(what, self.part)).touch()
