"""The folder `conf/`: which groups and options there are, and what each option's file says."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

PACKAGED = Path(__file__).resolve().parent.parent / "conf"
CHECKOUT = PACKAGED.parent.parent / "conf"
# Where presets are written to, and looked for beside the package's own: below the working directory, as results are.
# In a checkout that is the same folder.
OWN_CONF = Path("conf")

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
            found |= {key.removeprefix("override ") for key in item}
        elif item != "_self_":
            found |= set(groups_of(item))
    return tuple(sorted(found))


def options(group: str) -> tuple[str, ...]:
    """Names of a group's options, sorted; of presets, the user's own too."""
    return tuple(sorted({name for folder in _folders(group) for name in _names(folder)}))


def option_text(group: str, option: str) -> Any:
    """An option's file as parsed YAML. Do not change it: it is cached."""
    (found, *_) = [folder for folder in _folders(group) if option in _names(folder)] or _folders(group)
    return _content(found / f"{option}.yaml")


def option_keys(group: str, option: str) -> frozenset[str]:
    """The keys that an option's file sets."""
    return frozenset(option_text(group, option))


def own_conf(preset: str | None) -> Path | None:
    """The folder that holds this preset's group where that is not `conf_dir()`."""
    return None if preset is None or preset in _names(conf_dir() / "preset") else OWN_CONF.resolve()


def forget() -> None:
    """Look again what is there."""
    _names.cache_clear()
    _content.cache_clear()


def _folders(group: str) -> tuple[Path, ...]:
    own = (OWN_CONF.resolve() / group,) if group == "preset" else ()
    return (conf_dir() / group, *own)


@cache
def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.stem for path in folder.glob("*.yaml"))


@cache
def _content(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
