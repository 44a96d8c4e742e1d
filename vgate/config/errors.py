"""The one error of the configuration layer, and how its line is worded."""

import difflib
from collections.abc import Iterable, Sequence

import yaml

from vgate.config.secrets import BLOT, is_secret, without_secrets

_LONGEST = 300  # characters of a value that are shown


class ConfigError(Exception):
    """A wrong key or value. `str(e)` is one line: key, value, where it came from, what is allowed."""


def wrong(key: str, value: object, source: str, why: str) -> ConfigError:
    """The line for a value that cannot be used."""
    named = [part for part in key.split(".") if not part.isdigit()]
    name = "headers" if "headers" in named else named[-1] if named else key
    shown = repr(without_secrets(value, name))
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}... ({len(shown)} characters)"
    return ConfigError(f"{key} = {shown} (from {source}): {why}")


def unknown(key: str, value: object, source: str, allowed: Iterable[str], elsewhere: Sequence[str] = ()) -> ConfigError:
    """The line for a key that does not exist, with the nearest one that does.

    `allowed` are the names that could stand in the place of the key's last part; `elsewhere`, choices that bring it.
    """
    parent, _, name = key.rpartition(".")
    names = sorted(allowed)
    allowed_text = f"allowed: {', '.join(names)}" if names else f"{parent or key} takes no keys"
    if elsewhere:
        allowed_text += f"; {', '.join(elsewhere)} {'have' if len(elsewhere) > 1 else 'has'} it"
    shown = BLOT if _may_be_secret(name, value, names) else value
    return wrong(key, shown, source, f"unknown key{nearest(name, names, parent)}; {allowed_text}")


def _may_be_secret(name: str, value: object, allowed: Sequence[str]) -> bool:
    """Whether one of the allowed names is that of a secret, and this one may be meant for it."""
    if not isinstance(value, str | int | float) or not any(is_secret(other) for other in allowed):
        return False
    close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.6)
    return not close or is_secret(close[0])


def unknown_option(group: str, option: object, source: str, allowed: Iterable[str]) -> ConfigError:
    """The line for an option that a group does not have, with the nearest one that it has."""
    names = sorted(allowed)
    hint = nearest(str(option), names).replace("mean ", f"mean {group}=", 1)
    return wrong(group, option, source, f"unknown option{hint}; allowed: {', '.join(names)}")


def nearest(name: str, allowed: Iterable[str], parent: str = "") -> str:
    """`, did you mean x?` or nothing."""
    close = difflib.get_close_matches(str(name), [str(a) for a in allowed], n=1, cutoff=0.6)
    prefix = f"{parent}." if parent else ""
    return f", did you mean {prefix}{close[0]}?" if close else ""


def yaml_problem(error: Exception) -> str:
    """What is wrong with a YAML file and where, in one line that quotes nothing of it."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"{error.problem} in line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}"
    return " ".join(str(error).split())


def one_line(text: str) -> str:
    """A message of somebody else's in one line, without what is secret in it."""
    return str(without_secrets(" ".join(text.split())))
