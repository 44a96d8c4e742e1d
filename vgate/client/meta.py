"""What an answer's headers say: request id, cache verdict, rate limit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limit of the caller as of this answer.

    `reset` says when all of it is free again, as the server tells it: V-Gate in Unix time for
    requests, and in seconds from now for tokens, which is also OpenAI's way for both.
    """

    limit: int
    remaining: int
    reset: float

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self | None:
        """The limit on requests; None unless limit, remaining and reset are all there and numbers.

        V-Gate names them ``x-ratelimit-limit/-remaining/-reset``, OpenAI with ``-requests`` behind.
        """
        return cls._named(headers, "") or cls._named(headers, "-requests")

    @classmethod
    def read_tokens(cls, headers: Mapping[str, str]) -> Self | None:
        """The limit on tokens, from ``x-ratelimit-limit-tokens`` and so on."""
        return cls._named(headers, "-tokens")

    @classmethod
    def _named(cls, headers: Mapping[str, str], of: str) -> Self | None:
        limit, remaining, reset = (
            headers.get(f"x-ratelimit-{name}{of}", "") for name in ("limit", "remaining", "reset")
        )
        try:
            free = _seconds(reset)
            return cls(int(limit), int(remaining), free) if math.isfinite(free) else None
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Meta:
    """What the headers said about an answer.

    `cache` is the server's verdict: hit, miss, coalesced, partial(n/m) or bypass(reason); None from
    a server that has no such header. `headers` has lower-case names.
    """

    request_id: str | None
    cache: str | None
    rate_limit: RateLimit | None
    headers: Mapping[str, str] = field(repr=False)
    token_limit: RateLimit | None = None

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self:
        """From an answer's headers."""
        names = {name.lower(): value for name, value in headers.items()}
        known = names.get("x-request-id"), names.get("x-vgate-cache"), RateLimit.read(names)
        return cls(*known, names, RateLimit.read_tokens(names))


_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(r"([0-9.]+)(ms|[dhms])")


def _seconds(text: str) -> float:
    """A number, or a duration as in ``1m30s`` or ``20ms``. Raises ValueError."""
    parts = _DURATION.findall(text)
    if parts and "".join(map("".join, parts)) == text:
        return sum(float(count) * _UNITS[unit] for count, unit in parts)
    return float(text)
