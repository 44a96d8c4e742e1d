"""Bearer keys with a sliding-window limit each."""

import asyncio
import hashlib
import math
import time
from typing import Any

from vgate.errors import ApiError
from vgate.security.base import Admission, Security
from vgate.security.window import SlidingWindow


class Keys(Security):
    """Known keys pass, each at most `rate_limit` times in any `window_seconds`. Paths in `exempt_paths` need no key.

    Keys are kept as SHA-256; looking a digest up tells nothing about the key by its timing. Limits hold for this
    process.
    """

    def __init__(self, api_keys: list[dict[str, Any]], rate_limiting: dict[str, Any], exempt_paths: list[str]) -> None:
        self._names = {_digest(key["key"]): str(key["name"]) for key in api_keys}
        self._exempt = frozenset(exempt_paths)
        self._windows: dict[str, SlidingWindow] = {}
        if rate_limiting["enabled"]:
            window_s, default = rate_limiting["window_seconds"], rate_limiting["default_limit"]
            self._windows = {key["name"]: SlidingWindow(key.get("rate_limit") or default, window_s) for key in api_keys}

    def admit(self, path: str, authorization: str | None) -> Admission:
        if path in self._exempt:
            return Admission("anonymous")
        name = self._name(authorization)
        window = self._windows.get(name)
        if window is None:
            return Admission(name)
        now = asyncio.get_running_loop().time()
        admitted = window.take(now)
        headers = _limit_headers(window, now)
        if not admitted:
            raise _too_many(name, window, now, headers)
        return Admission(name, headers)

    def _name(self, authorization: str | None) -> str:
        scheme, _, key = (authorization or "").partition(" ")
        name = self._names.get(_digest(key.strip())) if scheme.lower() == "bearer" else None
        if name is None:
            problem = "Incorrect API key provided." if authorization else "No API key provided."
            message = f"{problem} Send `Authorization: Bearer <key>`."
            raise ApiError(
                401, message, "authentication_error", code="invalid_api_key", headers={"www-authenticate": "Bearer"}
            )
        return name


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _limit_headers(window: SlidingWindow, now: float) -> dict[str, str]:
    """`Reset` is the Unix time from which the whole limit is free again if nothing more is sent."""
    return {
        "x-ratelimit-limit": str(window.limit),
        "x-ratelimit-remaining": str(window.remaining(now)),
        "x-ratelimit-reset": str(math.ceil(time.time() + window.free_in(now))),
    }


def _too_many(name: str, window: SlidingWindow, now: float, headers: dict[str, str]) -> ApiError:
    retry_after = max(1, math.ceil(window.next_in(now)))
    reached = f"Rate limit of key '{name}' reached: {window.limit} requests in {window.window_s:g} s."
    message = f"{reached} Try again in {retry_after} s."
    extra = {**headers, "retry-after": str(retry_after)}
    return ApiError(429, message, "rate_limit_error", code="rate_limit_exceeded", headers=extra)
