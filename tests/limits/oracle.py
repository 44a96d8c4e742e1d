"""Limits by counting everything that ever happened: slow, exact, and of no use but to compare with."""

from dataclasses import dataclass, field

from vgate.limits.base import Limits


@dataclass
class Taken:
    """What one request took. `tokens`: reserved, later what there were."""

    at: float
    tokens: int


@dataclass
class Oracle:
    """One key's account. Times in seconds, never smaller than in the call before."""

    limits: Limits
    taken: list[Taken] = field(default_factory=list)
    more: list[Taken] = field(default_factory=list)  # tokens beyond what was reserved, when that was known
    open: int = 0

    def forget(self, now: float) -> None:
        """Drop what can make no difference any more."""
        self.taken = self._counting(now)
        self.more = [one for one in self.more if one.at + self.limits.window_s > now]

    def _counting(self, now: float) -> list[Taken]:
        return [one for one in self.taken if one.at + self.limits.window_s > now]

    def _used(self, now: float) -> tuple[list[tuple[float, int]], list[tuple[float, int]]]:
        own = self._counting(now)
        more = [one for one in self.more if one.at + self.limits.window_s > now]
        return [(one.at, 1) for one in own], sorted((one.at, one.tokens) for one in own + more)

    def left(self, now: float) -> tuple[int, int]:
        """Of requests and tokens."""
        requests, tokens = self._used(now)
        return (
            (self.limits.requests or 0) - len(requests),
            max(0, (self.limits.tokens or 0) - sum(amount for _, amount in tokens)),
        )

    def free_in_s(self, now: float) -> tuple[float, float]:
        """Of requests and tokens."""
        requests, tokens = (
            max((at for at, amount in used if amount), default=now - self.limits.window_s) for used in self._used(now)
        )
        return requests + self.limits.window_s - now, tokens + self.limits.window_s - now

    def refuses(self, tokens: int, now: float) -> str:
        requests, used = self._used(now)
        if self.limits.requests is not None and len(requests) >= self.limits.requests:
            return "requests"
        if self.limits.tokens is not None and sum(amount for _, amount in used) + tokens > self.limits.tokens:
            return "tokens"
        return "concurrency" if self.limits.concurrency is not None and self.open >= self.limits.concurrency else ""

    def wait_s(self, tokens: int, now: float) -> float:
        """The least of the times at which something becomes free, and now, at which both would let it in."""
        times = sorted({now} | {at + self.limits.window_s for used in self._used(now) for at, _ in used})
        return next(t for t in times if self._lets_in(tokens, t)) - now

    def _lets_in(self, tokens: int, now: float) -> bool:
        return self.refuses(tokens, now) in ("", "concurrency")

    def enter(self, tokens: int, now: float) -> Taken:
        self.open += 1
        self.taken.append(Taken(now, tokens))
        return self.taken[-1]

    def settle(self, taken: Taken, tokens: int, now: float) -> None:
        self.open -= 1
        if tokens <= taken.tokens:
            taken.tokens = tokens
        else:
            self.more.append(Taken(now, tokens - taken.tokens))


def most_in_a_window(admitted: list[tuple[float, int]], window_s: float) -> int:
    """The most that was taken within any window, whatever its alignment: those that begin with a taking are enough."""
    most = total = first = 0
    for at, amount in admitted:
        total += amount
        while admitted[first][0] + window_s <= at:
            total -= admitted[first][1]
            first += 1
        most = max(most, total)
    return most
