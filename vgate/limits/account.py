"""What one key has used, in this process."""

from dataclasses import dataclass

from vgate.limits.base import Level, Limits, Reason, Standing
from vgate.limits.window import Window


class Account:
    """A key's requests, tokens and slots. Times are the event loop's, in seconds."""

    __slots__ = ("_last", "_requests", "_tokens", "open")

    def __init__(self) -> None:
        self._requests, self._tokens = Window(), Window()
        self.open = 0
        self._last = 0.0

    def idle(self, now: float, window_s: float) -> bool:
        """Whether it holds nothing that counts."""
        return not self.open and self._last + window_s <= now

    def enter(self, limits: Limits, tokens: int, now: float) -> Standing:
        """See `Store.enter`."""
        self._forget(limits, now)
        refused = self._refusal(limits, tokens)
        if refused:
            return self._standing(limits, now)._replace(refused=refused, wait_s=self._wait_s(limits, tokens, now))
        self.open += 1
        self._last = now
        if limits.requests is not None:
            self._requests.take(1, now, limits.window_s)
        number = None if limits.tokens is None else self._tokens.take(tokens, now, limits.window_s)
        return self._standing(limits, now)._replace(place=Place(self, number, tokens, limits.window_s))

    def look(self, limits: Limits, now: float) -> Standing:
        """See `Store.look`."""
        self._forget(limits, now)
        return self._standing(limits, now)

    def set_right(self, number: int, more: int, window_s: float, now: float) -> None:
        """So many more tokens than were reserved, or fewer."""
        if more <= 0:
            self._tokens.give_back(number, -more)
        else:
            self._tokens.forget(now, window_s)
            self._tokens.take(more, now, window_s)
            self._last = now

    def _forget(self, limits: Limits, now: float) -> None:
        self._requests.forget(now, limits.window_s)
        self._tokens.forget(now, limits.window_s)

    def _refusal(self, limits: Limits, tokens: int) -> Reason:
        if limits.requests is not None and self._requests.taken >= limits.requests:
            return "requests"
        if limits.tokens is not None and self._tokens.taken + tokens > limits.tokens:
            return "tokens"
        return "concurrency" if limits.concurrency is not None and self.open >= limits.concurrency else ""

    def _wait_s(self, limits: Limits, tokens: int, now: float) -> float:
        of_requests = (
            0.0 if limits.requests is None else self._requests.wait_s(1, limits.requests, now, limits.window_s)
        )
        of_tokens = 0.0 if limits.tokens is None else self._tokens.wait_s(tokens, limits.tokens, now, limits.window_s)
        return max(of_requests, of_tokens)

    def _standing(self, limits: Limits, now: float) -> Standing:
        return Standing(
            _level(self._requests, limits.requests, limits.window_s, now),
            _level(self._tokens, limits.tokens, limits.window_s, now),
        )


@dataclass(slots=True)
class Place:
    """What one request holds. `number`: of its tokens in their window; None where they are not limited."""

    account: Account
    number: int | None
    reserved: int
    window_s: float
    open: bool = True

    def settle(self, tokens: int | None, now: float) -> None:
        """See `Store.settle`."""
        if self.open:
            self.open = False
            self.account.open -= 1
        if tokens is not None and self.number is not None:
            self.account.set_right(self.number, tokens - self.reserved, self.window_s, now)
            self.number = None


def _level(window: Window, limit: int | None, window_s: float, now: float) -> Level | None:
    return None if limit is None else Level(limit, max(0, limit - window.taken), window.free_in_s(now, window_s))
