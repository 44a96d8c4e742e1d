"""The folder `conf/`: which groups and options there are, and what each option's file says."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

PACKAGED = Path(__file__).resolve().parent.parent / "conf"
CHECKOUT = PACKAGED.parent.parent / "conf"

# Chosen on top of the others, so spelled `+preset=x`; `preset=x` is taken for the same.
OVERLAYS = ("preset", "experiment")


def conf_dir() -> Path:
    """The configuration tree: inside the installed package, or beside it in a checkout."""
    return PACKAGED if PACKAGED.is_dir() else CHECKOUT


@cache
def groups() -> tuple[str, ...]:
    """Names of the option groups, sorted."""
    return tuple(sorted(p.name for p in conf_dir().iterdir() if p.is_dir()))


@cache
def groups_of(program: str) -> tuple[str, ...]:
    """The groups that `conf/<program>.yaml` chooses from, and what may be laid over them, sorted."""
    found = {"preset"} if program == "serve" else set(OVERLAYS)
    for item in yaml.safe_load((conf_dir() / f"{program}.yaml").read_text(encoding="utf-8"))["defaults"]:
        if isinstance(item, dict):
            found |= item.keys()
        elif item != "_self_":
            found |= set(groups_of(item))
    return tuple(sorted(found))


@cache
def options(group: str) -> tuple[str, ...]:
    """Names of a group's options, sorted."""
    return tuple(sorted(p.stem for p in (conf_dir() / group).glob("*.yaml")))


@cache
def option_text(group: str, option: str) -> Any:
    """An option's file as parsed YAML. Do not change it: it is cached."""
    return yaml.safe_load((conf_dir() / group / f"{option}.yaml").read_text(encoding="utf-8")) or {}


def option_keys(group: str, option: str) -> frozenset[str]:
    """The keys that an option's file sets."""
    return frozenset(option_text(group, option))
