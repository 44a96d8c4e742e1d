"""Arrivals of a recorded trace."""

from collections.abc import Iterator

from vgate.load.base import OpenLoad
from vgate.load.recorded import WrongFile, read_trace


class Trace(OpenLoad):
    """Requests arrive as they did when the trace was recorded, `speed` times as fast. The seed changes nothing.

    It ends where the trace ends. Formats: `vgate.load.recorded`; raises WrongFile for others.
    """

    def __init__(self, path: str, speed: float, start_s: float, max_rows: int) -> None:
        self._offsets = [row.at_s / speed for row in read_trace(path, start_s, max_rows)]
        if self._offsets[-1] == self._offsets[0]:
            raise WrongFile("holds no two requests at different times, so it has no rate")

    @property
    def offered_rate(self) -> float | None:
        """Over the time from its first request to its last."""
        return (len(self._offsets) - 1) / (self._offsets[-1] - self._offsets[0])

    @property
    def length_s(self) -> float | None:
        """To its last request and a mean gap more."""
        assert self.offered_rate is not None  # this trace has one
        return self._offsets[-1] + 1 / self.offered_rate

    def offsets_s(self, seed: int) -> Iterator[float]:
        return iter(self._offsets)
