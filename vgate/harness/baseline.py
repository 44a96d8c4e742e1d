"""The original V-Gate, `+preset=classic`: what every other configuration is held against."""

from functools import cache
from typing import Any

from vgate.config import compose

SECTIONS = ("batch", "cache", "dedup")


def is_classic(config: dict[str, Any]) -> bool:
    """Whether a resolved configuration batches, caches and deduplicates as `+preset=classic` does."""
    return all(config.get(section) == wanted for section, wanted in _classic().items())


@cache
def _classic() -> dict[str, Any]:
    container = compose("serve", ["+preset=classic"], environ={}).container
    return {section: container[section] for section in SECTIONS}
