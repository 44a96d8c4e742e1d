"""A true sliding window.

Own code and not a library: the well-kept ones read the wall clock themselves, so time could not be injected, and a
changed clock would change who gets in.
"""

from collections import deque


class SlidingWindow:
    """At most `limit` events in any `window_s` seconds, for every alignment. Keeps one time for each of them.

    `now` is a monotonic time in seconds, never smaller than in the call before.
    """

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit = limit
        self.window_s = window_s
        self._taken: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Take one place if one is free; a refusal changes nothing."""
        self._forget(now)
        if len(self._taken) >= self.limit:
            return False
        self._taken.append(now)
        return True

    def remaining(self, now: float) -> int:
        """How many more would be let in now."""
        self._forget(now)
        return self.limit - len(self._taken)

    def next_in(self, now: float) -> float:
        """Seconds until one more would be let in; 0 when it would be now."""
        self._forget(now)
        return 0.0 if len(self._taken) < self.limit else self._taken[0] + self.window_s - now

    def free_in(self, now: float) -> float:
        """Seconds until the whole limit is free, if nothing more is taken."""
        self._forget(now)
        return self._taken[-1] + self.window_s - now if self._taken else 0.0

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0] + self.window_s <= now:
            self._taken.popleft()
