"""Pydantic's verdict on a composed configuration, as V-Gate's one line."""

import re
import typing
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vgate.config import together, tree
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
        first, *others = _by_key(details, container)
        told = _explain(first, model, container, sources, default_source)
        raise ConfigError(f"{told} (and {len(others)} more)" if others else str(told)) from None
    together.check(program, settings, lambda key: _source(key, sources, default_source))
    return settings


def _model(program: str) -> type[Settings]:
    if program == "serve":
        return Settings
    from vgate.config.bench_schema import BenchSettings  # a server does not load the bench's sections
    from vgate.config.seek_schema import CapacitySettings, SearchSettings

    models: dict[str, type[Settings]] = {"bench": BenchSettings, "capacity": CapacitySettings, "search": SearchSettings}
    return models[program]


def _by_key(details: list[ErrorDetails], container: dict[str, Any]) -> list[list[ErrorDetails]]:
    """What is wrong, key by key: of a value that fits no type of a union, pydantic tells of each."""
    found: dict[tuple[int | str, ...], list[ErrorDetails]] = {}
    for detail in details:
        found.setdefault(tuple(_real_path(detail, container)), []).append(detail)
    # A misspelt key first: it may be why another is missing. Not one that only some types of a union do not know.
    return sorted(found.values(), key=lambda told: not _is_unknown(told[0], container))


def _is_unknown(detail: ErrorDetails, container: dict[str, Any]) -> bool:
    path = [part for part in detail["loc"] if not str(part).startswith("vgate.")]
    untold = "vgate.unknown" in detail["loc"]  # which type was meant is not said
    return detail["type"] == "extra_forbidden" and not untold and path == _real_path(detail, container)


def _explain(
    details: list[ErrorDetails],
    model: type[Settings],
    container: dict[str, Any],
    sources: dict[str, str],
    default_source: str,
) -> ConfigError:
    detail = details[0]
    path = _real_path(detail, container)
    key = ".".join(str(part) for part in path)
    source = _source(key, sources, default_source)
    if detail["type"] == "extra_forbidden":
        return unknown(key, detail["input"], source, _siblings(model, path, container), _elsewhere(path))
    if detail["type"] == "missing":
        return ConfigError(f"{key} is missing (from {source})")
    if detail["type"] == "union_tag_invalid":
        key, value = f"{key}._target_", detail["ctx"]["tag"]
        return wrong(key, value, source, f"must be one of {detail['ctx']['expected_tags']}")
    if detail["type"] == "union_tag_not_found":
        return wrong(f"{key}._target_", None, source, "must name the class that the section is built from")
    return wrong(key, detail["input"], source, " or ".join(_allowed(details)))


def _allowed(details: list[ErrorDetails]) -> list[str]:
    """What each says, `must be` once."""
    texts = [_said(detail["msg"]) for detail in details]
    return [texts[0], *(text.removeprefix("must be ") for text in texts[1:])]


def _said(text: str) -> str:
    """In the words of V-Gate's own messages."""
    text = text.removeprefix("Value error, ").removesuffix(" after validation, not 0")
    text = re.sub(r"^(Input|String|List|Dictionary|Value) should ", "must ", text)
    return re.sub(r"a valid dictionary( or instance of \w+)?$", "a mapping of keys to values", text)


def _real_path(detail: ErrorDetails, container: dict[str, Any]) -> list[int | str]:
    """The key's path in the config; pydantic's also has the tag or the type that stands for a member of a union."""
    path: list[int | str] = []
    value: Any = container
    for part in detail["loc"]:
        if isinstance(part, str) and part.startswith("vgate."):
            continue
        inside = isinstance(value, dict | list)
        if inside and (isinstance(part, int) or part in value):
            path.append(part)
            value = value[part]
        elif inside and detail["type"] == "missing":
            path.append(part)
    return path


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


def _elsewhere(path: list[int | str]) -> list[str]:
    """Which options of the group have the key that the chosen one lacks."""
    group, *key = map(str, path)
    if len(key) != 1 or group not in tree.groups():
        return []
    return [f"{group}={option}" for option in tree.options(group) if key[0] in tree.option_keys(group, option)]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in a type: itself, or within unions, lists and `Annotated`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in typing.get_args(annotation) for model in _models(inner)]


def _fits(model: type[BaseModel], value: Any) -> bool:
    """Whether the model is of the class that the section says it is built from."""
    target = model.model_fields.get("target")
    return target is None or value.get("_target_") in typing.get_args(target.annotation)
