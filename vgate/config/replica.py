"""What a replica of engine=ray runs: a gateway's settings without all that stands before an engine."""

import copy
from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args

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


def carry(container: dict[str, Any], preset: str | None, given: Collection[str]) -> None:
    """Have replicas run what the preset's own engine was to run, where engine=ray was chosen over that.

    So what was measured is what each of them is. container: all sections, before they are checked; `ray.engine` and
    `ray.settings` are changed as far as nobody has given them, and the preset's keys leave the section `engine`.
    """
    content = tree.option_text("preset", preset) if preset else {}
    choices = [choice for choice in content.get("defaults", []) if isinstance(choice, Mapping)]
    engine = next((choice["override /engine"] for choice in choices if "override /engine" in choice), None)
    ray = container["ray"]
    if engine not in get_args(RaySettings.model_fields["engine"].annotation):
        return
    if "ray.engine" in given and ray["engine"] != engine:
        return
    measured = copy.deepcopy(dict(content.get("engine", {})))
    measured.get("restart", {}).pop("max_attempts", None)  # see engine_section
    for key in measured.keys() - tree.option_keys("engine", "ray"):
        if not any(f"{name}.".startswith(f"engine.{key}.") for name in given):
            container["engine"].pop(key, None)
    ray |= {"engine": engine, "settings": _merged(measured, ray["settings"])}


def check(ray: RaySettings, source: Callable[[str], str]) -> None:
    """Raises ConfigError. `source` says where a key came from."""
    scaling = ray.autoscaling
    if scaling.max_replicas is not None and scaling.min_replicas > scaling.max_replicas:
        key, why = (
            "ray.autoscaling.min_replicas",
            f"must be at most {scaling.max_replicas} (ray.autoscaling.max_replicas)",
        )
        raise wrong(key, scaling.min_replicas, source(key), why)
    if scaling.max_replicas is not None and not scaling.min_replicas <= ray.num_replicas <= scaling.max_replicas:
        why = f"must be from {scaling.min_replicas} to {scaling.max_replicas} (ray.autoscaling)"
        raise wrong("ray.num_replicas", ray.num_replicas, source("ray.num_replicas"), why)
    if ray.keep_replicas and ray.address is None:
        why = "needs a cluster (ray.address): a Ray that is started here ends with the gateway"
        raise wrong("ray.keep_replicas", True, source("ray.keep_replicas"), why)
    attempts = ray.settings.get("restart")
    if isinstance(attempts, dict) and "max_attempts" in attempts:
        key, why = "ray.settings.restart.max_attempts", "has no effect: Ray replaces a replica whose engine has died"
        raise wrong(key, attempts["max_attempts"], source(key), why)
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
