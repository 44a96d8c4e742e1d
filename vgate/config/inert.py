"""Settings that an option has for the sake of grids and takes no notice of."""

from collections.abc import Mapping
from typing import Any

# Component -> keys of its section without effect. Documented in the option's file under `conf/`.
_WINDOW = frozenset({"max_batch_size", "max_wait_time_ms"})
WITHOUT_EFFECT = {"vgate.batch.passthrough.Passthrough": _WINDOW, "vgate.batch.token_budget.TokenBudget": _WINDOW}


def without_effect(section: Any) -> frozenset[str]:
    """The keys of a resolved section that its component takes no notice of."""
    return WITHOUT_EFFECT.get(str(section.get("_target_")), frozenset()) if isinstance(section, dict) else frozenset()


def notes(container: Mapping[str, Any], chosen: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """A line for each such key that somebody set. `given`: dotted key -> where it came from."""
    idle = [key for key in sorted(given) if key.startswith("model.") and chosen.get("engine") == "none"]
    return [f"{key} (from {given[key]}) has no effect with engine=none" for key in idle] + [
        f"{group}.{key} (from {given[f'{group}.{key}']}) has no effect with {group}={option}"
        for group, option in chosen.items()
        for key in sorted(without_effect(container.get(group)))
        if f"{group}.{key}" in given
    ]
