"""Pydantic's verdict on a composed configuration, as V-Gate's one line."""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vgate.config import tree
from vgate.config.errors import ConfigError, unknown, wrong
from vgate.config.schema import Settings


def validate(
    program: str, container: dict[str, Any], sources: dict[str, str], default_source: str = "conf/"
) -> Settings:
    """Typed settings, or ConfigError with the first thing wrong. `sources` as in `Composed`."""
    try:
        return _model(program).model_validate(container)
    except ValidationError as error:
        details = error.errors(include_url=False)
        first = _explain(details[0], container, sources, default_source)
        raise ConfigError(f"{first} (and {len(details) - 1} more)" if len(details) > 1 else str(first)) from None


def _model(program: str) -> type[Settings]:
    if program == "serve":
        return Settings
    from vgate.config.bench_schema import BenchSettings  # a server does not load the bench's sections

    return BenchSettings


def _explain(
    detail: ErrorDetails, container: dict[str, Any], sources: dict[str, str], default_source: str
) -> ConfigError:
    path = _real_path(detail["loc"])
    key = ".".join(str(part) for part in path)
    source = _source(key, sources, default_source)
    if detail["type"] == "extra_forbidden":
        return unknown(key, detail["input"], source, _siblings(path, container))
    if detail["type"] == "missing":
        return ConfigError(f"{key} is missing (from {source})")
    allowed = detail["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    prefix = "must be " if detail["msg"].startswith("Input should be ") else ""
    return wrong(key, detail["input"], source, f"{prefix}{allowed}")


def _real_path(loc: tuple[int | str, ...]) -> list[int | str]:
    """The key's path in the config: a tagged union puts its tag, a class name, into pydantic's."""
    return [part for part in loc if not (isinstance(part, str) and part.startswith("vgate."))]


def _source(key: str, sources: dict[str, str], default: str) -> str:
    """Where the key, something below it, or the nearest section around it that somebody set, came from."""
    below = [source for name, source in sources.items() if name.startswith(f"{key}.")]
    if below:
        return below[0]
    while key:
        if key in sources:
            return sources[key]
        key = key.rpartition(".")[0]
    return default


def _siblings(path: list[int | str], container: dict[str, Any]) -> list[str]:
    """The names that may stand in place of the path's last part."""
    parents = path[:-1]
    if not parents:
        return list(Settings.model_fields)
    if len(parents) == 1 and parents[0] in tree.groups():
        section = container[str(parents[0])]
        for option in tree.options(str(parents[0])):
            if tree.option_text(str(parents[0]), option).get("_target_") == section.get("_target_"):
                return [k for k in tree.option_keys(str(parents[0]), option) if k != "_target_"]
    return _fields_of(parents)


def _fields_of(parents: list[int | str]) -> list[str]:
    """Field names of a nested section, found by walking the schema's classes by name."""
    from vgate.config import schema

    nested: dict[str, type[BaseModel]] = {"api_keys": schema.ApiKey, "rate_limiting": schema.RateLimiting}
    named = [str(part) for part in parents if isinstance(part, str)]
    model = nested.get(named[-1])
    return list(model.model_fields) if model else []
