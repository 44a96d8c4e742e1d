"""What a caller is told of its limits: headers, and refusals."""

import math
import time

from vgate.errors import ApiError, BadRequest
from vgate.limits.base import Limits, Standing


def limit_headers(standing: Standing) -> dict[str, str]:
    """Exactly `Remaining` more would be let in now. `Reset` is when all is free again if nothing more is sent.

    That is in Unix time, which is only told here; of tokens it is in seconds from now, as OpenAI tells it.
    """
    told = {}
    if standing.requests is not None:
        limit, left, free_in_s = standing.requests
        told["x-ratelimit-limit"] = str(limit)
        told["x-ratelimit-remaining"] = str(left)
        told["x-ratelimit-reset"] = str(math.ceil(time.time() + free_in_s))
    if standing.tokens is not None:
        limit, left, free_in_s = standing.tokens
        told["x-ratelimit-limit-tokens"] = str(limit)
        told["x-ratelimit-remaining-tokens"] = str(left)
        told["x-ratelimit-reset-tokens"] = f"{math.ceil(free_in_s * 1000) / 1000:g}s"
    return told


def refusal(name: str, limits: Limits, standing: Standing, tokens: int) -> ApiError:
    """The 429 of a standing that is refused.

    When a request in progress will end is not known, so `Retry-After` of a refusal for concurrency is the least, 1.
    """
    retry_after = max(1, math.ceil(standing.wait_s))
    code = "rate_limit_exceeded"
    if standing.refused == "requests":
        reached = f"Rate limit of key '{name}' reached: {limits.requests} requests in {limits.window_s:g} s."
    elif standing.refused == "tokens":
        left = 0 if standing.tokens is None else standing.tokens.left
        reached = f"Token limit of key '{name}' reached: {limits.tokens} in {limits.window_s:g} s."
        reached += f" {left} are left, and this request may cost up to {tokens}."
    else:
        code = "concurrency_limit_exceeded"
        reached = f"Key '{name}' has {limits.concurrency} requests in progress, as many as it may have."
    headers = {**limit_headers(standing), "retry-after": str(retry_after)}
    return ApiError(429, f"{reached} Try again in {retry_after} s.", "rate_limit_error", code=code, headers=headers)


def never(name: str, limits: Limits, tokens: int) -> BadRequest:
    """A request that would be refused at any time."""
    message = (
        f"This request may cost up to {tokens} tokens, more than the {limits.tokens} that key '{name}' has in"
        f" {limits.window_s:g} s. Set a lower max_tokens, or send a shorter prompt."
    )
    return BadRequest(message, "max_tokens", "token_limit_too_low")


def unavailable() -> ApiError:
    """The store of the limits cannot be asked, and the configuration says to let nothing in then."""
    message = "The limits of API keys cannot be checked now."
    return ApiError(503, message, "server_error", code="limits_unavailable", headers={"retry-after": "5"})


def unauthenticated(given: bool) -> ApiError:
    """The 401; `given` tells whether there was something in the place of a key."""
    problem = "Incorrect API key provided." if given else "No API key provided."
    message = f"{problem} Send `Authorization: Bearer <key>`."
    headers = {"www-authenticate": "Bearer"}
    return ApiError(401, message, "authentication_error", code="invalid_api_key", headers=headers)
