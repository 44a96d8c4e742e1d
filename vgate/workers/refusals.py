"""What becomes of a request for which no worker is free."""

import math
from collections.abc import Sequence

from vgate.errors import ApiError, NotReady
from vgate.workers.member import Member
from vgate.workers.worker import Worker


def last_resort(ready: Sequence[Member], now: float) -> list[Worker]:
    """Whoever of the ready may be tried though its circuit breaker is open: the first whose pause is over.

    All that are ready fail, then, or are busy. Without this nobody would be asked until a pause is over, though the
    cause may be gone.
    """
    tried = [member for member in ready if member.may_be_tried(now)]
    return [min(tried, key=lambda member: member.breaker.until or 0.0).worker] if tried else []


def refusal(
    model: str | None, serving: Sequence[Member], ready: Sequence[Member], now: float, any_known: bool
) -> ApiError:
    """404 where workers are known and none serves the model, else 503 with when another try may succeed.

    A worker that has not told its models, for it is still loading or cannot be reached, may serve this one: a 404 would
    be final, and wrong where it does. So that whoever has misspelt a name sees it, the 503 says that nobody is known to
    serve it. Where `models` is configured for such workers, it is 404.
    """
    of = "" if model is None else f" for the model {model[:200]!r}"
    if not serving and any_known:
        return ApiError(
            404, f"No worker serves the model {str(model)[:200]!r}.", "not_found_error", "model", "model_not_found"
        )
    if not ready:
        due = [member.checks.due - now for member in serving if member.checks is not None]
        after_s = max(min(due, default=1.0), 1.0)
        if model is not None and serving and all(member.worker.models is None for member in serving):
            return NotReady(f"No worker is known to serve the model {model[:200]!r}; {_untold(len(serving))}.", after_s)
        return NotReady(f"No worker{of} is ready.", after_s)
    after_s = max(min(member.free_in_s(now) for member in ready), 1.0)
    headers = {"retry-after": str(math.ceil(after_s))}
    return ApiError(503, f"No worker{of} has room.", "server_error", code="overloaded", headers=headers)


def _untold(count: int) -> str:
    return "one has not told its models yet" if count == 1 else f"{count} have not told their models yet"
