"""How long requests wait for company."""


class Held:
    """Adds up the time in which whoever waits is held back though there is room. Times in seconds."""

    def __init__(self) -> None:
        self._total = 0.0
        self._since: float | None = None

    def now_is(self, held: bool, now: float) -> None:
        """From now on those who wait are held for company, or not."""
        self._total = self.total(now)
        self._since = now if held else None

    def total(self, now: float) -> float:
        """So much up to now."""
        return self._total if self._since is None else self._total + now - self._since
