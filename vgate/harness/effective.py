"""Which settings cannot make a difference, so that cells differing only in them are measurements of the same thing."""

from typing import Any

from vgate.config.inert import without_effect


def effective(container: dict[str, Any]) -> dict[str, Any]:
    """A resolved configuration without the keys that have no effect in it."""
    return {name: _section(section) for name, section in container.items()}


def _section(section: Any) -> Any:
    if not isinstance(section, dict):
        return section
    ignored = without_effect(section)
    return {key: value for key, value in section.items() if key not in ignored}
