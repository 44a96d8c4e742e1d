"""Composing configurations with nothing taken from this machine's environment."""

from pathlib import Path
from typing import Any

import pytest

from vgate.config import Composed, ConfigError, compose


def serve(*overrides: str, **environ: str) -> Composed:
    return compose("serve", list(overrides), environ)


def wrong(*overrides: str, program: str = "serve", **environ: str) -> str:
    """The one line that such settings end with."""
    with pytest.raises(ConfigError) as caught:
        compose(program, list(overrides), environ)
    line = str(caught.value)
    assert "\n" not in line
    return line


def written(folder: Path, text: str) -> dict[str, Any]:
    """The environment that names a file with this text."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return {"VGATE_CONFIG_PATH": str(path)}
