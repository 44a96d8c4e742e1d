"""API keys are blotted out wherever settings are shown: error lines, `--cfg job`, results."""

from collections.abc import Mapping
from typing import Any

BLOT = "***"


def without_secrets(value: Any, name: str = "") -> Any:
    """A copy of a setting, or of a whole configuration, with the text of every API key replaced by `***`.

    `name` is the setting's. What is called a key is taken for one, misspelt or in the wrong place as it may be.
    """
    if isinstance(value, Mapping):
        return {key: without_secrets(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_secrets(item, name) for item in value]
    return BLOT if "key" in name.lower() and value is not None else value
