"""What a replica of engine=ray runs: a gateway's settings without all that stands before an engine."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vgate.config import tree
from vgate.config.errors import nearest, wrong
from vgate.config.ray_schema import RaySettings
from vgate.config.schema import Engine, Settings

_ENGINE: TypeAdapter[Any] = TypeAdapter(Engine)
# The gateway before the replicas has these already; tracing stays, for a replica's spans are its own.
_AT_THE_GATEWAY = {
    "embedding": "none",
    "queue": "fifo",
    "batch": "passthrough",
    "cache": "none",
    "dedup": "none",
    "security": "none",
    "admin": "none",
    "limits": "memory",
    "routing": "least_loaded",
    "ray": "default",
}


def replica_of(settings: Settings) -> Settings:
    """The settings of each replica. Settings that `check` refuses raise here too."""
    server = {**tree.option_text("server", "default"), "max_body_bytes": settings.server.max_body_bytes}
    others = {group: tree.option_text(group, option) for group, option in _AT_THE_GATEWAY.items()}
    logging = {"level": "WARNING", "json_format": False, "access_sample": 0.0, "prompts": False}
    whole = settings.model_dump(by_alias=True, include={"model", "tracing"})
    return Settings.model_validate(
        {**whole, **others, "server": server, "logging": logging, "engine": engine_section(settings.ray)}
    )


def engine_section(ray: RaySettings) -> dict[str, Any]:
    """The section `engine` of a replica. Who dies there is replaced by Ray, not restarted within."""
    section = _merged(tree.option_text("engine", ray.engine), ray.settings)
    restart = {**section["restart"], "max_attempts": 0}
    return {**section, "restart": restart}


def check(ray: RaySettings, source: Callable[[str], str]) -> None:
    """Raises ConfigError. `source` says where a key came from."""
    scaling = ray.autoscaling
    if scaling.max_replicas is not None and not scaling.min_replicas <= ray.num_replicas <= scaling.max_replicas:
        why = f"must be from {scaling.min_replicas} to {scaling.max_replicas} (ray.autoscaling)"
        raise wrong("ray.num_replicas", ray.num_replicas, source("ray.num_replicas"), why)
    if ray.keep_replicas and ray.address is None:
        why = "needs a cluster (ray.address): a Ray that is started here ends with the gateway"
        raise wrong("ray.keep_replicas", True, source("ray.keep_replicas"), why)
    _check_engine(ray, source)


def _check_engine(ray: RaySettings, source: Callable[[str], str]) -> None:
    known = sorted(tree.option_keys("engine", ray.engine) - {"_target_"})
    for name, value in ray.settings.items():
        if name not in known:
            why = f"is no key of engine={ray.engine}{nearest(name, known)}; its keys: {', '.join(known)}"
            raise wrong(f"ray.settings.{name}", value, source("ray.settings"), why)
    try:
        _ENGINE.validate_python(engine_section(ray))
    except (ValidationError, TypeError) as error:
        if isinstance(error, TypeError):
            raise wrong("ray.settings", ray.settings, source("ray.settings"), "cannot be read") from None
        first = error.errors(include_url=False)[0]
        key = ".".join(["ray.settings", *map(str, first["loc"][1:])])
        why = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        raise wrong(key, first["input"], source(key), why) from None


def _merged(section: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(dict(section))
    for name, value in changes.items():
        inner = merged.get(name)
        nested = isinstance(inner, dict) and isinstance(value, Mapping) and name != "extra_args"
        merged[name] = _merged(inner, value) if nested and isinstance(inner, dict) else value
    return merged
