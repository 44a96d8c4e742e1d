"""What each layer says, as one list: the user's YAML file, the environment, the command line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import OverrideParseException

from vgate.config import tree
from vgate.config.errors import ConfigError, nearest, unknown_option, wrong, yaml_problem
from vgate.config.reading import read_yaml

YAML_FILE, ENVIRONMENT, COMMAND_LINE = 1, 2, 3

SHORT_NAMES = {"VGATE_CACHE_MAXSIZE": "cache.maxsize"}
# The Python client's, and what the launcher reads elsewhere.
NOT_SETTINGS = {"VGATE_CONFIG_PATH", "VGATE_BASE_URL", "VGATE_API_KEY"}
# Kubernetes puts VGATE_PORT, VGATE_SERVICE_HOST, VGATE_PORT_8000_TCP, ... into every pod beside a Service named vgate.
KUBERNETES = re.compile(r"VGATE_(SERVICE_(HOST|PORT.*)|PORT(_\d+_TCP.*)?)")


@dataclass(frozen=True)
class Entry:
    """One setting of one layer. `key` is dotted; a key that is a group's name chooses its option."""

    key: str
    value: Any
    source: str
    layer: int

    @property
    def is_choice(self) -> bool:
        return self.key in tree.groups() and isinstance(self.value, str)


def read_yaml_file(environ: Mapping[str, str]) -> list[Entry]:
    """The entries of the file at VGATE_CONFIG_PATH; none when the variable is not set."""
    path = environ.get("VGATE_CONFIG_PATH")
    if not path:
        return []
    try:
        content = read_yaml(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise wrong("VGATE_CONFIG_PATH", path, "environment", f"cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise wrong("VGATE_CONFIG_PATH", path, "environment", f"is not YAML: {yaml_problem(error)}") from None
    if not isinstance(content, dict | None):
        raise wrong("VGATE_CONFIG_PATH", path, "environment", "must hold sections such as `batch:` with keys below")
    return [Entry(key, value, path, YAML_FILE) for key, value in flatten(content or {})]


def read_environment(environ: Mapping[str, str]) -> list[Entry]:
    """VGATE_<SECTION>__<KEY> and the short forms. Values are read as YAML."""
    entries: list[Entry] = []
    for name in sorted(n for n in environ if n.startswith("VGATE_")):
        if name in NOT_SETTINGS or KUBERNETES.fullmatch(name):
            continue
        entries += _environment_entries(name, environ[name])
    return entries


def read_command_line(overrides: list[str]) -> list[Entry]:
    """Hydra's override syntax, without sweeps: `batch=lockstep`, `+preset=cpu`, `batch.max_batch_size=4`."""
    return [_command_line_entry(override) for override in parse(overrides)]


def parse(overrides: list[str]) -> list[Override]:
    """Hydra's own parser, with its complaint on one line."""
    parsed = []
    for text in overrides:
        try:
            parsed += OverridesParser.create().parse_overrides([text])
        except (OverrideParseException, RecursionError):
            key, equals, value = text.partition("=")
            if not equals:
                raise ConfigError(f"{text!r} (from the command line): not key=value") from None
            why = "cannot be read; a value with , : { } [ ] or quotes in it needs quotes around it"
            raise wrong(key, value, "the command line", why) from None
    return parsed


def flatten(content: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested sections as (dotted key, value). A section with nothing below it says nothing."""
    for key, value in content.items():
        name = f"{prefix}{key}"
        if name in tree.groups() and value in (None, {}):
            continue
        # Mappings for others, vLLM and a collector: their keys are not ours.
        if isinstance(value, Mapping) and value and key not in ("extra_args", "headers"):
            yield from flatten(value, f"{name}.")
        else:
            yield name, value


def _environment_entries(name: str, text: str) -> list[Entry]:
    try:
        value = read_yaml(text)
    except yaml.YAMLError:
        value = text
    if name == "VGATE_DRY_RUN":
        if not isinstance(value, bool):
            raise wrong(name, text, "environment", "must be true or false")
        groups = ("engine", "embedding") if value else ()
        return [Entry(group, "dry_run", f"environment {name}", ENVIRONMENT) for group in groups]
    if name in SHORT_NAMES:
        return [Entry(SHORT_NAMES[name], value, f"environment {name}", ENVIRONMENT)]
    section, double, rest = name.removeprefix("VGATE_").partition("__")
    if not double and section.lower() not in tree.groups():
        allowed = [*SHORT_NAMES, *NOT_SETTINGS, "VGATE_DRY_RUN"]
        raise wrong(
            name,
            text,
            "environment",
            f"unknown variable{nearest(name, allowed)}; allowed: VGATE_<SECTION>__<KEY>, {', '.join(sorted(allowed))}",
        )
    key = ".".join([section, *rest.split("__")]).lower() if double else section.lower()
    return [Entry(key, value, f"environment {name}", ENVIRONMENT)]


def _command_line_entry(override: Override) -> Entry:
    key, source = override.key_or_group, "the command line"
    if override.package is not None:
        raise wrong(f"{key}@{override.package}", override.get_value_string(), source, "`@` has no meaning here")
    if override.is_delete():
        raise wrong(f"~{key}", override.input_line, source, "keys cannot be removed; set a value instead")
    if override.is_sweep_override():
        raise wrong(
            key, override.get_value_string(), source, "a sweep of several values needs `python -m vgate.bench -m`"
        )
    value = override.value()
    if key in tree.groups() and value is None:
        raise unknown_option(key, "null", source, tree.options(key))
    return Entry(key, value, source, COMMAND_LINE)
