"""Which settings cannot make a difference, so that cells differing only in them are measurements of the same thing."""

from typing import Any

# Component -> keys of its section that it takes no notice of. Documented in the option's file under `conf/`.
WITHOUT_EFFECT = {"vgate.batch.passthrough.Passthrough": {"max_batch_size", "max_wait_time_ms"}}


def effective(container: dict[str, Any]) -> dict[str, Any]:
    """A resolved configuration without the keys that have no effect in it."""
    return {name: _section(section) for name, section in container.items()}


def _section(section: Any) -> Any:
    if not isinstance(section, dict):
        return section
    ignored = WITHOUT_EFFECT.get(str(section.get("_target_")), set())
    return {key: value for key, value in section.items() if key not in ignored}
