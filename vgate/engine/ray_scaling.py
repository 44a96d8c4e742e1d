"""How many replicas Ray Serve should have."""

from typing import Any

#: What `Replica.record_autoscaling_stats` calls the requests that it answers now.
ONGOING = "ongoing"


def by_ongoing_requests(context: Any) -> tuple[float, dict[str, Any]]:
    """Serve's own rule, the requests under way over the target for each, of requests that do not come through Serve.

    Runs in Serve's controller. `context` is a `ray.serve.config.AutoscalingContext`. Bounds and delays Serve applies to
    the result.
    """
    ongoing = (context.aggregated_metrics or {}).get(ONGOING, {})
    return sum(ongoing.values()) / context.config.get_target_ongoing_requests(), {}


def scale(settings: dict[str, Any]) -> dict[str, Any]:
    """The options of a deployment that say so. settings: the section `ray`."""
    scaling = settings["autoscaling"]
    if scaling["max_replicas"] is None:
        return {"num_replicas": settings["num_replicas"]}
    config = {name: scaling[name] for name in ("min_replicas", "max_replicas", "target_ongoing_requests")}
    delays = {name: scaling[name] for name in ("upscale_delay_s", "downscale_delay_s")}
    return {
        "autoscaling_config": {
            **config,
            **delays,
            "initial_replicas": settings["num_replicas"],
            "look_back_period_s": scaling["look_back_s"],
            "metrics_interval_s": min(scaling["look_back_s"] / 2, 5.0),
            "policy": {"policy_function": f"{__name__}:{by_ongoing_requests.__name__}"},
        }
    }
