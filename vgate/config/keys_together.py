"""What API keys may not say beside the other sections: limits and scopes that match nothing are mistakes."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vgate.config import key_sources
from vgate.config.admission_schema import PrioritySettings
from vgate.config.errors import wrong
from vgate.config.schema import NoEngineSettings, Settings, UpstreamSettings
from vgate.config.sections import NamedModel
from vgate.config.security_schema import KeysSettings
from vgate.security.hashes import sha256_text

_LIMITS = ("rate_limit", "token_limit", "concurrency")
# Where a bench finds the first key where the configuration has only its hash; the client's variable too.
KEY_VARIABLE = "VGATE_API_KEY"


def check(settings: Settings, source: Callable[[str], str]) -> None:
    """Raises ConfigError. `source` says where a key came from."""
    if not isinstance(settings.security, KeysSettings):
        return
    # What workers serve they say themselves, when they are there.
    served = None if isinstance(settings.engine, UpstreamSettings) else _served(settings)
    for number, api_key in enumerate(settings.security.api_keys):
        name = f"security.api_keys.{number}"
        unserved = sorted(set(api_key.models or ()) - served) if served is not None else []
        if served and unserved:
            why = f"{unserved[0]!r} is not served; served: {', '.join(sorted(served))}"
            raise wrong(f"{name}.models", api_key.models, source(f"{name}.models"), why)
        most = settings.queue.most if isinstance(settings.queue, PrioritySettings) else None
        if api_key.priority is not None and most is not None and abs(api_key.priority) > most:
            why = f"must be from {-most} to {most} (queue.most)"
            raise wrong(f"{name}.priority", api_key.priority, source(f"{name}.priority"), why)


def first_key(api_keys: Sequence[Mapping[str, Any]] | None) -> str | None:
    """The first key itself, for who has to send it; None where there are no keys, or it cannot be known.

    Of one of which only a hash is configured, that is the variable VGATE_API_KEY, where that is this key.
    """
    if not api_keys:
        return None
    key = key_sources.plain(api_keys[0])
    return key if key is not None else _matching(api_keys[0], os.environ.get(KEY_VARIABLE, ""))


def hashed(settings: Settings) -> Settings:
    """The same with the digests of its keys in their place: a server has no need to remember what it was told."""
    security = settings.security
    if not isinstance(security, KeysSettings):
        return settings
    kept = [
        api_key if api_key.key is None else api_key.model_copy(update={"key": None, "hash": sha256_text(api_key.key)})
        for api_key in security.api_keys
    ]
    return settings.model_copy(update={"security": security.model_copy(update={"api_keys": kept})})


def check_bench(settings: Settings, source: Callable[[str], str]) -> None:
    """A bench sends its requests with the first key, which it has to know."""
    if not isinstance(settings.security, KeysSettings):
        return
    keys = [api_key.model_dump() for api_key in settings.security.api_keys]
    if first_key(keys) is None:
        why = f"a bench has to send the key itself: set {KEY_VARIABLE} to it, or give it by key, key_file or key_env"
        raise wrong("security.api_keys.0.hash", keys[0]["hash"], source("security.api_keys"), why)


def notes(container: Mapping[str, Any], chosen: Mapping[str, str]) -> Iterator[str]:
    """A line for each setting of keys and limits that has no effect beside the other sections."""
    security = container.get("security")
    keys = security.get("api_keys") if isinstance(security, Mapping) else None
    if not keys and chosen.get("limits", "memory") != "memory":
        yield f"limits={chosen['limits']} has no effect with security={chosen.get('security')}"
    if not isinstance(keys, list) or not isinstance(security, Mapping):
        return
    rates = security.get("rate_limiting")
    off = isinstance(rates, Mapping) and rates.get("enabled") is False
    for number, api_key in enumerate(key for key in keys if isinstance(key, Mapping)):
        idle = [name for name in _LIMITS if off and api_key.get(name) is not None]
        for name in idle:
            yield f"security.api_keys.{number}.{name} has no effect with security.rate_limiting.enabled=false"
        if api_key.get("priority") is not None and chosen.get("queue") != "priority":
            yield f"security.api_keys.{number}.priority has no effect with queue={chosen.get('queue')}"


def _served(settings: Settings) -> set[str]:
    chat = set() if isinstance(settings.engine, NoEngineSettings) else {settings.model.public_name}
    other = settings.embedding
    return chat | {other.public_name} if isinstance(other, NamedModel) else chat


def _matching(api_key: Mapping[str, Any], key: str) -> str | None:
    secret = key_sources.kept(api_key)
    if isinstance(secret, bytes):
        return key if key_sources.kept({"key": key}) == secret else None
    return key if secret.matches(key) else None
