"""How settings are spelt on a command line, and how a command line is shown."""

import json
import shlex
from typing import Any

from vgate.config.errors import ConfigError
from vgate.config.layers import parse
from vgate.config.secrets import BLOT, is_secret, without_secrets


def spell(value: Any) -> str:
    """A value as Hydra's command line writes it."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{spell(inner)}" for key, inner in value.items()) + "}"
    return (
        "'" + value.replace("'", "\\'") + "'"
        if isinstance(value, str) and not value.isidentifier()
        else json.dumps(value).strip('"')
    )


def shown_value(text: str) -> str:
    """The value of `key=value`, or of a sweep `key=a,b`, as it is given, but for what is secret; raises ConfigError."""
    key, _, given = text.partition("=")
    override = parse([text])[0]
    if not override.is_sweep_override():
        values = [override.value()]
    elif override.is_discrete_sweep():
        values = [parse([f"{key}={one}"])[0].value() for one in override.sweep_string_iterator()]
    else:
        return given
    shown = [without_secrets(value, key.rpartition(".")[2]) for value in values]
    if shown == values:
        return given
    return ",".join(value if isinstance(value, str) else spell(value) for value in shown)


def shown_command(arguments: list[str]) -> str:
    """Arguments as a shell takes them, without what is secret in them."""
    return shlex.join(map(_shown_argument, arguments))


def _shown_argument(argument: str) -> str:
    """A setting; several in one word, as `vgate.compare` takes them; or something else."""
    try:
        words = shlex.split(argument)
        shown = [_shown_word(word) for word in words]
    except (ValueError, ConfigError):
        return _shown_whole(argument)
    return argument if shown == words else shlex.join(shown) if len(shown) > 1 else shown[0]


def _shown_whole(argument: str) -> str:
    try:
        return _shown_word(argument)
    except ConfigError:  # what cannot be read is not shown, if its name is that of a secret
        key, equals, _ = argument.partition("=")
        return f"{key}={BLOT}" if equals and is_secret(key.rpartition(".")[2]) else str(without_secrets(argument))


def _shown_word(word: str) -> str:
    key, equals, _ = word.partition("=")
    return f"{key}={shown_value(word)}" if equals else str(without_secrets(word))
