"""What a gateway is made of, as one hash, so that a deployed one can be told from the measured one."""

import hashlib
import json
from typing import Any

from vgate.config.key_sources import SOURCES
from vgate.config.schema import RayEngineSettings, Settings, UpstreamSettings
from vgate.config.secrets import BLOT, without_secrets
from vgate.config.workers_schema import KEYS

DIGITS = 16
# Of a worker.
_PLACE = {"url", "name"}


def graph_hash(settings: Settings) -> str:
    """Equal for settings from which the same components are built with the same values; 16 hexadecimal digits.

    SHA-256 of the gateway's sections, a bench's left out. API keys and credentials count as being there, not by value:
    the hash is printed, and a short key could be guessed from it.
    """
    # Where a server listens and who may reach it there is not what it is made of, nor where its workers are, nor under
    # which names its answers lie in a store that it shares, nor for which version its file was written.
    places = {"server": {"host", "port", "tls"}, "cache": {"prefix"}, "limits": {"prefix"}}
    sections = settings.model_dump(
        by_alias=True, include=set(Settings.model_fields), exclude={"version": True, "admin": True, **places}
    )
    if not isinstance(settings.engine, RayEngineSettings):
        del sections["ray"]
    if isinstance(settings.engine, UpstreamSettings):
        sections["engine"] = _nowhere(sections["engine"])
    text = json.dumps(_alike(without_secrets(sections)), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _alike(sections: dict[str, Any]) -> dict[str, Any]:
    """With a key in place of each API key's source: whether it is a hash or comes from a file makes no difference."""
    keys = sections["security"].get("api_keys")
    if not keys:
        return sections
    alike = [{**key, **dict.fromkeys(SOURCES), "key": BLOT} for key in keys]
    return sections | {"security": sections["security"] | {"api_keys": alike}}


def _nowhere(engine: dict[str, Any]) -> dict[str, Any]:
    """Without its workers' addresses and names: that a file or DNS lists them, and what each may be given, is left."""
    workers = [_keyed({name: worker[name] for name in worker if name not in _PLACE}) for worker in engine["workers"]]
    listed = {name: BLOT if engine[name] else None for name in ("workers_file", "workers_dns")}
    return engine | listed | {"workers": workers, "dns": _keyed(engine["dns"])}


def _keyed(access: dict[str, Any]) -> dict[str, Any]:
    """Where a worker's key comes from makes no difference."""
    key = BLOT if any(access[source] for source in KEYS) else None
    return {**access, **dict.fromkeys(KEYS), "key": key}
