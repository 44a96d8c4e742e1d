"""Templates into pages. All values are escaped; a name that a template uses and nobody gives is an error."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """A page of this folder, filled in."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"yaml": _yaml, "url": quote, "plain": plain}
    return environment.get_template(template).render(values)


def plain(value: Any) -> str:
    """A fact of a manifest as words."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(inner)}" for key, inner in value.items())
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False)
    return text
