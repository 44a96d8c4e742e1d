"""When a request that was refused is sent again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from vgate.client.errors import APIError

_BUSY = (429, 503)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retries only answers that say "not now" (429, 503): nothing was generated for them.

    The server's ``Retry-After`` decides the wait; without it, the wait doubles from `base_s` with
    up to half of it taken off at random, so that clients refused together do not return together.
    Any other failure is raised at once: the server may already be working on the request.
    """

    max_retries: int = 2
    max_wait_s: float = 60.0
    base_s: float = 0.5
    uniform: Callable[[float, float], float] = random.uniform

    def __post_init__(self) -> None:
        if self.max_retries < 0:
            raise ValueError(f"max_retries must be 0 or more, not {self.max_retries}")

    def wait_s(self, attempt: int, error: APIError) -> float | None:
        """Seconds until try `attempt` + 1 (`attempt` counts from 0), or None to give up.

        A server that asks for more than `max_wait_s` is not waited for.
        """
        if error.status not in _BUSY or attempt >= self.max_retries:
            return None
        wait = error.retry_after
        if wait is None:
            backoff = self.base_s * 2**attempt
            wait = min(self.max_wait_s, self.uniform(backoff / 2, backoff))
        return wait if wait <= self.max_wait_s else None
