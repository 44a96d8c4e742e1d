"""Pydantic's verdict on a composed configuration, as V-Gate's one line."""

import typing
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vgate.config import together
from vgate.config.errors import ConfigError, unknown, wrong
from vgate.config.schema import Settings


def validate(
    program: str, container: dict[str, Any], sources: dict[str, str], default_source: str = "conf/"
) -> Settings:
    """Typed settings, or ConfigError with the first thing wrong. `sources` as in `Composed`."""
    model = _model(program)
    try:
        settings = model.model_validate(container)
    except ValidationError as error:
        details = error.errors(include_url=False)
        first = _explain(details[0], model, container, sources, default_source)
        raise ConfigError(f"{first} (and {len(details) - 1} more)" if len(details) > 1 else str(first)) from None
    together.check(program, settings, lambda key: _source(key, sources, default_source))
    return settings


def _model(program: str) -> type[Settings]:
    if program == "serve":
        return Settings
    from vgate.config.bench_schema import BenchSettings  # a server does not load the bench's sections

    return BenchSettings


def _explain(
    detail: ErrorDetails,
    model: type[Settings],
    container: dict[str, Any],
    sources: dict[str, str],
    default_source: str,
) -> ConfigError:
    path = _real_path(detail["loc"])
    key = ".".join(str(part) for part in path)
    source = _source(key, sources, default_source)
    if detail["type"] == "extra_forbidden":
        return unknown(key, detail["input"], source, _siblings(model, path, container))
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


def _siblings(model: type[BaseModel], path: list[int | str], container: dict[str, Any]) -> list[str]:
    """The names that may stand in place of the path's last part: the fields of the section around it."""
    sections, value = [model], container
    for part in path[:-1]:
        value = value[part]  # type: ignore[index]  # a list's items are numbered
        if isinstance(part, str):
            inner = [model for section in sections for model in _models(section.model_fields[part].annotation)]
            sections = [model for model in inner if _fits(model, value)]
    return sorted({name for section in sections for name in section.model_fields} - {"target"})


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in a type: itself, or within unions, lists and `Annotated`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in typing.get_args(annotation) for model in _models(inner)]


def _fits(model: type[BaseModel], value: Any) -> bool:
    """Whether the model is of the class that the section says it is built from."""
    target = model.model_fields.get("target")
    return target is None or value.get("_target_") in typing.get_args(target.annotation)
