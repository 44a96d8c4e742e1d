"""Layers into one validated configuration: defaults < preset < YAML file < environment < command line."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from vgate.config import inert, keys_together, layers, replica, tree
from vgate.config.check import validate
from vgate.config.errors import ConfigError, unknown, wrong
from vgate.config.layers import COMMAND_LINE, Entry
from vgate.config.rewrite import SWITCHED_ON, name_model, rewrite, settle
from vgate.config.schema import Settings

_KEY = re.compile(r"[^\s.\[\]]+(\.[^\s.\[\]]+)*")
_OPEN = "nobody is asked for them; say security=keys or security.enabled=true, or false to leave the server open"


@dataclass(frozen=True)
class Composed:
    """A configuration and how it came about.

    settings:  validated, typed. For `program="bench"` a BenchSettings.
    container: the same as plain dicts and lists, `_target_` included: what `instantiate` takes.
    sources:   dotted key -> where its value came from, for every key that is not a default.
    notes:     settings of weaker layers that a stronger layer's choice made moot, one line each.
    """

    settings: Settings
    container: dict[str, Any]
    sources: dict[str, str]
    notes: list[str] = field(default_factory=list)


def compose(program: str, overrides: list[str], environ: Mapping[str, str] | None = None) -> Composed:
    """The configuration of `program` ("serve" or "bench"); raises ConfigError."""
    environ = os.environ if environ is None else environ
    command = [o[1:] if o.startswith(tuple(f"+{g}=" for g in tree.OVERLAYS)) else o for o in overrides]
    entries = layers.read_yaml_file(environ) + layers.read_environment(environ) + layers.read_command_line(command)
    choices, values = rewrite(entries)
    named, switched = settle(choices)
    named = name_model(named, values)
    config, chosen = _choose(program, named, switched)
    _set_values(config, values)
    container = _to_container(config, values)
    sources = _sources(named, chosen, values)
    sources |= {entry.key.partition(".")[0]: entry.source for entry in choices if entry.key.endswith(".enabled")}
    if chosen.get("engine") == "ray":
        replica.carry(container, chosen.get("preset"), [entry.key for entry in values])
    notes = _drop_moot_keys(container, chosen, named, values, sources)
    given = {entry.key: entry.source for entry in values}
    notes += inert.notes(container, chosen, given)
    if program != "serve":
        notes += inert.leave_out_doors(container, sources)
    settings = validate(program, container, sources)
    notes += keys_together.notes(container, chosen)
    return Composed(settings, settings.model_dump(by_alias=True), sources, notes)


def from_resolved(container: dict[str, Any], source: str) -> Settings:
    """A server's settings from an already resolved configuration; other sections, a bench's, are left out."""
    sections = {key: value for key, value in container.items() if key in Settings.model_fields}
    return validate("serve", sections, {}, source)


def _choose(program: str, named: dict[str, Entry], switched: set[str]) -> tuple[DictConfig, dict[str, str]]:
    """The tree with every group at its option, and which option that is."""
    for group, entry in named.items():
        if group not in tree.groups_of(program):
            raise unknown(group, entry.value, entry.source, tree.groups_of(program))
    picks = {group: str(entry.value) for group, entry in named.items()}
    config, chosen = _hydra(program, picks)
    missing = {group: SWITCHED_ON[group] for group in switched if chosen.get(group) == "none"}
    return _hydra(program, {**picks, **missing}) if missing else (config, chosen)


def _hydra(program: str, picks: dict[str, str]) -> tuple[DictConfig, dict[str, str]]:
    overrides = [f"{'+' if group in tree.OVERLAYS else ''}{group}={option}" for group, option in picks.items()]
    own = tree.own_conf(picks.get("preset"))
    if own is not None:
        overrides.append(f"hydra.searchpath=[{_quoted(f'file://{own}')}]")
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(tree.conf_dir()), version_base="1.3"):
            config = hydra_compose(program, overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"{' '.join(overrides) or program}: {' '.join(str(error).split())}") from None
    chosen = {str(g): str(o) for g, o in config.hydra.runtime.choices.items() if not str(g).startswith("hydra/")}
    OmegaConf.set_struct(config, False)
    del config["hydra"]
    return config, chosen


def _quoted(text: str) -> str:
    """As Hydra's grammar reads it, whatever is in a path."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _set_values(config: DictConfig, values: list[Entry]) -> None:
    for entry in values:
        if not _KEY.fullmatch(entry.key):
            raise wrong(entry.key, entry.value, entry.source, "is no key: names with dots between them")
        try:
            OmegaConf.update(config, entry.key, entry.value, merge=False, force_add=True)
        except (OmegaConfBaseException, AttributeError, TypeError, ValueError) as error:
            reason = str(error).split("\n")[0]
            raise wrong(entry.key, entry.value, entry.source, reason) from None


def _to_container(config: DictConfig, values: list[Entry]) -> dict[str, Any]:
    try:
        container = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise _unresolved(error, values) from None
    assert isinstance(container, dict)  # a DictConfig resolves to a dict
    return {str(key): value for key, value in container.items()}


def _unresolved(error: OmegaConfBaseException, values: list[Entry]) -> ConfigError:
    """The line for a value that stands for another one which is not there."""
    entry = next((entry for entry in reversed(values) if entry.key == error.full_key), None)
    if entry is None:
        return ConfigError(" ".join(str(error).split()))
    missing = isinstance(error, MissingMandatoryValue)
    why = "stands for a value that is still to be given" if missing else str(error).split("\n")[0]
    return wrong(entry.key, entry.value, entry.source, why)


def _sources(named: dict[str, Entry], chosen: dict[str, str], values: list[Entry]) -> dict[str, str]:
    sources: dict[str, str] = {}
    for overlay in (group for group in tree.OVERLAYS if group in chosen):
        content = tree.option_text(overlay, chosen[overlay])
        sources |= {key: f"{overlay}={chosen[overlay]}" for key, _ in layers.flatten(content) if key != "defaults"}
    sources |= {group: entry.source for group, entry in named.items()}
    return sources | {entry.key: entry.source for entry in values}


def _drop_moot_keys(
    container: dict[str, Any],
    chosen: dict[str, str],
    named: dict[str, Entry],
    values: list[Entry],
    sources: dict[str, str],
) -> list[str]:
    """Take out keys that a weaker layer set for another option of the group than the one chosen now.

    `cache.maxsize` in a file is no mistake when the command line says `cache=none`; it is one in the same layer.
    """
    layer_of = {entry.key: entry.layer for entry in values}
    notes = []
    for group, option in chosen.items():
        section = container.get(group)
        if group in tree.OVERLAYS or not isinstance(section, dict):
            continue
        chooser = named[group].layer if group in named else 0
        known_elsewhere = frozenset().union(*(tree.option_keys(group, o) for o in tree.options(group)))
        for key in sorted((section.keys() - tree.option_keys(group, option)) & known_elsewhere):
            name = f"{group}.{key}"
            top = max((layer for k, layer in layer_of.items() if k == name or k.startswith(f"{name}.")), default=0)
            source = next((s for k, s in sources.items() if f"{k}.".startswith(f"{name}.")), "the preset")
            if name == "security.api_keys" and top and not chooser:
                raise wrong(name, section[key], source, _OPEN)
            if top < chooser or (option == "none" and top < COMMAND_LINE):
                notes.append(f"{name} (from {source}) has no effect with {group}={option}")
                del section[key]
    return notes
