"""Settings that an option has for the sake of grids and takes no notice of."""

from collections.abc import Mapping
from typing import Any

from vgate.config import tree

# Component -> keys of its section without effect. Documented in the option's file under `conf/`.
_WINDOW = frozenset({"max_batch_size", "max_wait_time_ms"})
WITHOUT_EFFECT = {"vgate.batch.passthrough.Passthrough": _WINDOW, "vgate.batch.token_budget.TokenBudget": _WINDOW}


def without_effect(section: Any) -> frozenset[str]:
    """The keys of a resolved section that its component takes no notice of."""
    return WITHOUT_EFFECT.get(str(section.get("_target_")), frozenset()) if isinstance(section, dict) else frozenset()


def notes(container: Mapping[str, Any], chosen: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """A line for each such key that somebody set. `given`: dotted key -> where it came from."""
    engine = chosen.get("engine")
    idle = [key for key in sorted(given) if key.startswith("model.") and engine in {"none", "upstream"}]
    idle += [key for key in sorted(given) if key.startswith("ray.") and engine not in {None, "ray"}]
    routed = "workers" in (container.get("engine") or {}) or engine == "ray"
    scaled = (container.get("ray") or {}).get("autoscaling", {}).get("max_replicas") is not None
    unscaled = [] if scaled or engine != "ray" else [key for key in sorted(given) if key.startswith("ray.autoscaling.")]
    moot = [] if routed or chosen.get("routing") in {None, "least_loaded"} else [f"routing={chosen['routing']}"]
    return [
        *(f"{key} (from {given[key]}) has no effect with engine={engine}" for key in idle),
        *(f"{key} (from {given[key]}) has no effect without ray.autoscaling.max_replicas" for key in unscaled),
        *(f"{choice} has no effect with engine={engine}, which has no workers" for choice in moot),
    ] + [
        f"{group}.{key} (from {given[f'{group}.{key}']}) has no effect with {group}={option}"
        for group, option in chosen.items()
        for key in sorted(without_effect(container.get(group)))
        if f"{group}.{key}" in given
    ]


def leave_out_doors(container: dict[str, Any], sources: Mapping[str, str]) -> list[str]:
    """Set a bench's server up without admin port and without TLS; a line for each such key that somebody set.

    It listens on the loopback address, for the bench alone. What a run keeps can so be started again anywhere.
    """
    container["admin"] = dict(tree.option_text("admin", "none"))
    if "server" in container:
        container["server"] = {**container["server"], "tls": dict(tree.option_text("server", "default")["tls"])}
    given = [key for key in sorted(sources) if f"{key}.".startswith(("admin.", "server.tls."))]
    return [f"{key} (from {sources[key]}) has no effect in a bench: its server speaks plain HTTP" for key in given]
