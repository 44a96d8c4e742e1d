"""The one error of the configuration layer, and how its line is worded."""

import difflib
from collections.abc import Iterable


class ConfigError(Exception):
    """A wrong key or value. `str(e)` is one line: key, value, where it came from, what is allowed."""


def wrong(key: str, value: object, source: str, why: str) -> ConfigError:
    """The line for a value that cannot be used."""
    return ConfigError(f"{key} = {value!r} (from {source}): {why}")


def unknown(key: str, value: object, source: str, allowed: Iterable[str]) -> ConfigError:
    """The line for a key that does not exist, with the nearest one that does.

    `allowed` are the names that could stand in the place of the key's last part.
    """
    parent, _, name = key.rpartition(".")
    names = sorted(allowed)
    allowed_text = f"allowed: {', '.join(names)}" if names else f"{parent or key} takes no keys"
    return wrong(key, value, source, f"unknown key{nearest(name, names, parent)}; {allowed_text}")


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
