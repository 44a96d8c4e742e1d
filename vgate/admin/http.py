"""The admin routes on a port of their own, behind a bearer token."""

import hashlib
import hmac
from collections import deque

from vgate.admin.base import Admin
from vgate.config.elsewhere import from_environment, from_file
from vgate.errors import ApiError

# Wrong tokens in any second. Once there were so many, none is compared for a while, the right one neither: it could be
# found by trying. Whoever only wants to lock the operator out can do that; SIGHUP and the Unix socket are left then.
FAILURES, WINDOW_S = 10, 1.0


class HttpAdmin(Admin):
    """Whoever sends the token passes. It is kept as its SHA-256 and compared in constant time.

    It is taken from the `Authorization` header alone, never from a cookie or a query. So a web page can do nothing
    here, though a browser on this machine reaches the loopback address and a name may be rebound to it: no browser adds
    the token by itself, and requests without a header are refused without counting as tries.
    """

    def __init__(self, host: str, port: int, token: str | None, token_file: str | None, token_env: str | None) -> None:
        self.address = host, port
        self._digest = _digest(_the_one(token, token_file, token_env))
        self._failures: deque[float] = deque(maxlen=FAILURES)

    def check(self, authorization: str | None, now: float) -> None:
        if not authorization:
            raise _unauthorized("No admin token provided.")
        if len(self._failures) == FAILURES and now < self._failures[0] + WINDOW_S:
            message = f"More than {FAILURES} wrong admin tokens in {WINDOW_S:g} s. Try again in 1 s."
            raise ApiError(429, message, "rate_limit_error", code="too_many_failures", headers={"retry-after": "1"})
        scheme, _, token = authorization.partition(" ")
        right = hmac.compare_digest(_digest(token.strip()), self._digest)
        if not right or scheme.lower() != "bearer":
            self._failures.append(now)
            raise _unauthorized("Incorrect admin token provided.")


def _the_one(token: str | None, token_file: str | None, token_env: str | None) -> str:
    """The token, wherever it is. That there is exactly one has been checked with the settings."""
    if token_file is not None:
        return from_file(token_file)
    if token_env is not None:
        return from_environment(token_env)
    assert token is not None  # as the settings were validated
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _unauthorized(problem: str) -> ApiError:
    message = f"{problem} Send `Authorization: Bearer <token>`."
    headers = {"www-authenticate": "Bearer"}
    return ApiError(401, message, "authentication_error", code="invalid_admin_token", headers=headers)
