"""Keys and passwords are blotted out wherever settings are shown: error lines, `--cfg job`, results."""

import re
from collections.abc import Mapping
from typing import Any

BLOT = "***"
# A password may contain anything but white space: all up to the last @ is taken for it.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)((?:\S*@)?[^\s?]*)(\?\S*)?")


def without_secrets(value: Any, name: str = "") -> Any:
    """A copy of a setting, or of a whole configuration, with API keys and the credentials in URLs replaced by `***`.

    `name` is the setting's. What is called a key is taken for one, misspelt or in the wrong place as it may be. Of a
    URL, whatever it is called, the scheme, the host and the path are left.
    """
    if isinstance(value, Mapping):
        return {key: without_secrets(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_secrets(item, name) for item in value]
    if "key" in name.lower() and value is not None:
        return BLOT
    return _URL.sub(_without_credentials, value) if isinstance(value, str) else value


def _without_credentials(url: re.Match[str]) -> str:
    """The part before the last @ of the host, and all that follows a question mark."""
    scheme, host, query = url.groups()
    shown = f"{BLOT}@{host.rpartition('@')[2]}" if "@" in host else host
    return f"{scheme}{shown}{'?' + BLOT if query else ''}"
