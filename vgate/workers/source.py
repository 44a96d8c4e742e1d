"""Where the list of workers comes from."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence

from vgate.workers.worker import WorkerSpec


class Source(ABC):
    """Tells who the workers are, now and whenever that changes."""

    @abstractmethod
    def watch(self) -> AsyncIterator[Sequence[WorkerSpec]]:
        """The whole list, the first as soon as it is known, and again after each change; ends when it cannot change.

        No URL and no name is in a list twice. Raises nothing while it runs: what it cannot read it logs, and the last
        list holds. Closing the iterator ends it.
        """

    @property
    def failures(self) -> int:
        """How often the list could not be read."""
        return 0
