"""A store outside this process that fails is left alone for a while, so that a dead one does not cost every request."""

import asyncio
import logging

logger = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0


class Outage:
    """Half a second after a failure, twice as long after each further one. Its log has one line for each pause."""

    def __init__(self) -> None:
        self._pause_s = 0.0
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        """Whether the store is to be left alone."""
        return self._pause_s > 0 and asyncio.get_running_loop().time() < self._until

    def begin(self, error: BaseException) -> None:
        """It failed."""
        if self.lasts:  # of those that were asked together, the first one has told
            return
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S) or _FIRST_PAUSE_S
        self._until = asyncio.get_running_loop().time() + self._pause_s
        logger.warning("limits failed", extra={"error": f"{type(error).__name__}: {error}", "pause_s": self._pause_s})

    def end(self) -> None:
        """It answered."""
        self._pause_s = 0.0
