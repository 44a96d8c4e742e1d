"""Where a preset of one's own goes, and what it may be called."""

import re
from pathlib import Path

from vgate.config import tree
from vgate.config.errors import wrong

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
# What YAML or Hydra take for something else than a name.
WORDS = {"on", "off", "yes", "no", "true", "false", "null", "none", "y", "n", "nan", "inf"}


def preset_path(name: str) -> Path:
    """conf/preset/<name>.yaml below the working directory; ConfigError for a name that cannot be one or is taken."""
    if not NAME.fullmatch(name) or name.lower() in WORDS:
        why = "must begin with a letter, hold letters, digits, _ and - only, and mean nothing else in YAML"
        raise wrong("preset", name, "the command line", why)
    if name in tree.options("preset"):
        raise wrong("preset", name, "the command line", "is there already; choose another name, or remove its file")
    return tree.OWN_CONF / "preset" / f"{name}.yaml"
