"""Components as the server builds them: from the option files under `conf/`, by their `_target_`."""

from typing import Any

import pytest

from vgate.build import _component
from vgate.config import tree
from vgate.observe.base import Observer
from vgate.types import Capacity

MODEL = {"model_id": "test/model", "served_model_name": "test", "max_model_len": 512}
KEYS = [{"key": "sk-a", "name": "a", "rate_limit": 3}, {"key": "sk-b", "name": "b"}]

WITH_IO = frozenset({("cache", "redis"), ("limits", "redis")})


def options(group: str) -> tuple[str, ...]:
    """All options of a group, so that a new one is covered by being there."""
    return tree.options(group)


def virtual_options(group: str) -> tuple[str, ...]:
    """Those that do no I/O, and so run in virtual time."""
    return tuple(option for option in options(group) if (group, option) not in WITH_IO)


def any_option(group: str) -> list[Any]:
    """All options as parameters of a test, which runs those that do I/O in real time."""
    real = [pytest.param(option, marks=pytest.mark.real_time) for of, option in WITH_IO if of == group]
    return [*virtual_options(group), *real]


def build(group: str, option: str, **changes: Any) -> Any:
    """An option with some of its keys changed; changes to keys that it has not are left out."""
    return _component(section(group, option, **changes), **_wiring(group, changes))


def section(group: str, option: str, **changes: Any) -> dict[str, Any]:
    """An option's keys and values, as in a resolved configuration."""
    content = dict(tree.option_text(group, option))
    content |= {key: value for key, value in changes.items() if key in content}
    if "api_keys" in content and not content["api_keys"]:
        content["api_keys"] = KEYS
    return content


def _wiring(group: str, changes: dict[str, Any]) -> dict[str, Any]:
    """What the server hands a component beside its section."""
    if group == "engine":
        return {"model": changes.get("model", MODEL)} | changes.get("wired", {})
    if group == "batch":
        queue = build("queue", changes.get("queue", "fifo"), **changes)
        return {"queue": queue, "capacity": lambda: changes.get("capacity", Capacity())}
    if group == "security":
        store = changes["store"] if "store" in changes else build("limits", "memory")
        return {"store": store, "observer": changes.get("observer", Observer())}
    return {}
