"""What a gateway is made of, as one hash, so that a deployed one can be told from the measured one."""

import hashlib
import json
from typing import Any

from vgate.config.key_sources import SOURCES
from vgate.config.schema import RayEngineSettings, Settings
from vgate.config.secrets import BLOT, without_secrets

DIGITS = 16


def graph_hash(settings: Settings) -> str:
    """Equal for settings from which the same components are built with the same values; 16 hexadecimal digits.

    SHA-256 of the gateway's sections, a bench's left out. API keys and credentials count as being there, not by value:
    the hash is printed, and a short key could be guessed from it.
    """
    # Where a server listens and who may reach it there is not what it is made of, nor under which names its answers lie
    # in a store that it shares, nor for which version its file was written.
    places = {"server": {"host", "port", "tls"}, "cache": {"prefix"}, "limits": {"prefix"}}
    sections = settings.model_dump(
        by_alias=True, include=set(Settings.model_fields), exclude={"version": True, "admin": True, **places}
    )
    if not isinstance(settings.engine, RayEngineSettings):
        del sections["ray"]
    text = json.dumps(_alike(without_secrets(sections)), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _alike(sections: dict[str, Any]) -> dict[str, Any]:
    """With a key in place of each API key's source: whether it is a hash or comes from a file makes no difference."""
    keys = sections["security"].get("api_keys")
    if not keys:
        return sections
    alike = [{**key, **dict.fromkeys(SOURCES), "key": BLOT} for key in keys]
    return sections | {"security": sections["security"] | {"api_keys": alike}}
