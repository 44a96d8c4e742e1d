"""When a request that was refused is sent again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from vgate.client.errors import APIError, VGateError

_BUSY = (429, 503)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retries what the server has certainly not begun: "not now" (429, 503), and no connection.

    The server's ``Retry-After`` decides the wait, and up to a tenth of it, or `base_s` where that is
    less, is added at random; without it, the wait doubles from `base_s` with up to half of it taken
    off at random: clients refused together do not return together. Any other failure is raised at
    once: the server may already be working on the request.
    """

    max_retries: int = 2
    max_wait_s: float = 60.0
    base_s: float = 0.5
    uniform: Callable[[float, float], float] = random.uniform

    def __post_init__(self) -> None:
        for name in ("max_retries", "max_wait_s", "base_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")

    def wait_s(self, attempt: int, error: VGateError) -> float | None:
        """Seconds until try `attempt` + 1 (`attempt` counts from 0), or None to give up.

        A server that asks for more than `max_wait_s` is not waited for.
        """
        refusal = error if isinstance(error, APIError) else None
        again = refusal.status in _BUSY if refusal else not error.sent
        if not again or attempt >= self.max_retries:
            return None
        asked = refusal.retry_after if refusal else None
        if asked is None:
            backoff = self.base_s * 2.0 ** min(attempt, 99)  # a float ends at 2**1023
            return min(self.max_wait_s, self.uniform(backoff / 2, backoff))
        if asked > self.max_wait_s:
            return None
        return asked + self.uniform(0, min(asked / 10, self.base_s))
