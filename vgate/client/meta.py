"""What an answer's headers say: request id, cache verdict, rate limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The caller's request limit as of this answer; `reset` is the header's number, in seconds."""

    limit: int
    remaining: int
    reset: float

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self | None:
        """From ``x-ratelimit-limit/-remaining/-reset``; None unless all three are numbers."""
        limit, remaining, reset = (headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset"))
        try:
            return cls(int(limit), int(remaining), float(reset))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Meta:
    """What the headers said about an answer.

    `cache` is the server's verdict: hit, miss, coalesced or bypass(reason); None from a server
    that has no such header. `headers` has lower-case names.
    """

    request_id: str | None
    cache: str | None
    rate_limit: RateLimit | None
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self:
        """From an answer's headers."""
        names = {name.lower(): value for name, value in headers.items()}
        return cls(names.get("x-request-id"), names.get("x-vgate-cache"), RateLimit.read(names), names)
