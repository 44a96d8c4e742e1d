"""When a golden server says what: arithmetic, so that the truth about a run is known without measuring it."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing is worked on for `length_s` seconds, from `after_s` seconds after the first request's arrival."""

    after_s: float
    length_s: float


@dataclass(frozen=True, slots=True)
class Timing:
    """A request's first token takes `ttft_ms` of work, each further one `itl_ms`.

    places: how many requests are worked on at once, first come first served; None for all that come.
    """

    ttft_ms: float = 50.0
    itl_ms: float = 10.0
    places: int | None = None
    stall: Stall | None = None

    def work_s(self, token: int) -> float:
        """The work until token number `token`, counted from 0."""
        return (self.ttft_ms + token * self.itl_ms) / 1e3


class Timeline:
    """The moments, in seconds of any clock, at which a server of this timing is done.

    It must be asked in order of arrival, once for each request.
    """

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self._first_arrival: float | None = None
        self._taken: list[float] = []  # when each taken place is free again

    def begin(self, arrival: float, tokens: int) -> float:
        """When the work on a request that arrives now begins: at once, or when a place is free."""
        if self._first_arrival is None:
            self._first_arrival = arrival
        if self.timing.places is None:
            return arrival
        free = heapq.heappop(self._taken) if len(self._taken) == self.timing.places else arrival
        begin = max(arrival, free)
        heapq.heappush(self._taken, self.due(begin, tokens - 1))
        return begin

    def due(self, begin: float, token: int) -> float:
        """When token number `token`, counted from 0, of work begun at `begin` is done."""
        work = self.timing.work_s(token)
        if self.timing.stall is None or self._first_arrival is None:
            return begin + work
        stops = self._first_arrival + self.timing.stall.after_s
        resumes = stops + self.timing.stall.length_s
        if begin >= resumes or begin + work <= stops:
            return begin + work
        return work + (resumes if begin >= stops else begin + self.timing.stall.length_s)


def truth(timing: Timing, arrivals: Iterable[float], tokens: int) -> list[tuple[float, float]]:
    """(first token, last token) of requests that arrive at these ascending moments, in seconds of the same clock."""
    timeline = Timeline(timing)
    begins = [timeline.begin(arrival, tokens) for arrival in arrivals]
    return [(timeline.due(begin, 0), timeline.due(begin, tokens - 1)) for begin in begins]
