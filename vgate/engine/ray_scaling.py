"""How many replicas Ray Serve should have. Runs in Serve's controller."""

from typing import Any

#: What `Replica.record_autoscaling_stats` calls the requests that it answers now.
ONGOING = "ongoing"


def by_ongoing_requests(context: Any) -> tuple[float, dict[str, Any]]:
    """Serve's own rule, the requests under way over the target for each, of requests that do not come through Serve.

    `context` is a `ray.serve.config.AutoscalingContext`. Bounds and delays Serve applies to the result.
    """
    ongoing = (context.aggregated_metrics or {}).get(ONGOING, {})
    return sum(ongoing.values()) / context.config.get_target_ongoing_requests(), {}
