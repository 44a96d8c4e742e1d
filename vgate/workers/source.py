"""Where the list of workers comes from."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence

from vgate.workers.worker import WorkerSpec


class Source(ABC):
    """Tells who the workers are, now and whenever that changes."""

    @abstractmethod
    def watch(self) -> AsyncGenerator[Sequence[WorkerSpec], None]:
        """The whole list, the first as soon as it is known, and again after each change; ends when it cannot change.

        No URL and no name is in a list twice. Raises nothing: what it cannot read it logs and counts, and the last list
        holds; of a first one that cannot be read, the empty list is told. Closing the generator ends it.
        """

    def same_as(self, other: "Source") -> bool:
        """Whether the other one tells the same, now and later; what it has found out need not be forgotten then."""
        return False

    @property
    def failures(self) -> int:
        """How often the list could not be read."""
        return 0
