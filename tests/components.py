"""Components as the server builds them: from the option files under `conf/`, by their `_target_`."""

from typing import Any

from vgate.build import _component
from vgate.config import tree
from vgate.types import Capacity

MODEL = {"model_id": "test/model", "served_model_name": "test", "max_model_len": 512}
KEYS = [{"key": "sk-a", "name": "a", "rate_limit": 3}, {"key": "sk-b", "name": "b"}]


def options(group: str) -> tuple[str, ...]:
    """All options of a group, so that a new one is covered by being there."""
    return tree.options(group)


def build(group: str, option: str, **changes: Any) -> Any:
    """An option with some of its keys changed; changes to keys that it has not are left out."""
    section = dict(tree.option_text(group, option))
    section |= {key: value for key, value in changes.items() if key in section}
    if "api_keys" in section and not section["api_keys"]:
        section["api_keys"] = KEYS
    return _component(section, **_wiring(group, changes))


def _wiring(group: str, changes: dict[str, Any]) -> dict[str, Any]:
    """What the server hands a component beside its section."""
    if group == "engine":
        return {"model": changes.get("model", MODEL)}
    if group == "batch":
        queue = build("queue", changes.get("queue", "fifo"), **changes)
        return {"queue": queue, "capacity": lambda: changes.get("capacity", Capacity())}
    return {}
