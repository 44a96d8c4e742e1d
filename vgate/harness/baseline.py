"""The original V-Gate, `+preset=classic`: what every other configuration is held against."""

from functools import cache
from typing import Any

from vgate.config import compose

SECTIONS = ("batch", "cache", "dedup")
# The preset as settings: so it goes with another preset, one that chooses a model.
CLASSIC = (
    "batch=lockstep",
    "batch.max_batch_size=8",
    "batch.max_wait_time_ms=50.0",
    "cache=lru",
    "cache.maxsize=1000",
    "cache.sampled=true",
    "dedup=batch",
    "dedup.sampled=true",
)


def is_classic(config: dict[str, Any]) -> bool:
    """Whether a resolved configuration batches, caches and deduplicates as `+preset=classic` does."""
    return all(config.get(section) == wanted for section, wanted in _classic().items())


def classic_of(overrides: list[str]) -> list[str]:
    """The overrides with the original gateway in place of their own: model, engine and load stay."""
    return [text for text in overrides if text.lstrip("+").partition("=")[0].partition(".")[0] not in SECTIONS] + [
        *CLASSIC
    ]


@cache
def _classic() -> dict[str, Any]:
    container = compose("serve", ["+preset=classic"], environ={}).container
    return {section: container[section] for section in SECTIONS}
