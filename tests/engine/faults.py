"""The dry-run engine's faults, as its section of the configuration."""

from typing import Any

from vgate.config import tree


def faults(**changes: Any) -> dict[str, Any]:
    """The section with some of its keys changed; without changes nothing fails."""
    section: dict[str, Any] = tree.option_text("engine", "dry_run")["faults"]
    assert changes.keys() <= section.keys()
    return section | changes


def restart(**changes: Any) -> dict[str, Any]:
    """The section `restart` with some of its keys changed."""
    section: dict[str, Any] = tree.option_text("engine", "dry_run")["restart"]
    assert changes.keys() <= section.keys()
    return section | changes
