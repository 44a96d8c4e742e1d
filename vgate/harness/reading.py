"""Files of a run, read back: one that is cut off, or that V-Gate did not write, is told in one line that names it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from vgate.config.errors import ConfigError
from vgate.harness.files import read_json

# What a run's manifest has; experiments' and other programs' have not.
MANIFEST_KEYS = ("name", "question", "seed", "finished", "sessions")


class Unreadable(ConfigError):
    """A file of a run that cannot be used. `str(e)` is one line: which file, and why."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong with what `path` holds while it is read is Unreadable."""
    try:
        yield
    except Unreadable:
        raise
    except OSError as error:
        why = "it is not there" if isinstance(error, FileNotFoundError) else error.strerror or error
        raise Unreadable(f"{path}: cannot be read: {why}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, yaml.YAMLError) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise Unreadable(f"{path}: is cut off, or not as V-Gate writes it: {why}") from None


def read_object(path: Path, *needed: str) -> dict[str, Any]:
    """The JSON object in a file, with at least these keys. Raises Unreadable."""
    with reading(path):
        content = read_json(path)
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise Unreadable(f"{path}: is not as V-Gate writes it: it holds a {kind}; must be a JSON object")
    missing = [key for key in needed if key not in content]
    if missing:
        raise Unreadable(f"{path}: is not as V-Gate writes it: it has no {', '.join(missing)}")
    return content


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run. Raises Unreadable."""
    manifest = read_object(path, *MANIFEST_KEYS)
    sessions = manifest["sessions"]
    if not isinstance(sessions, list) or not all(isinstance(one, dict) and "utc" in one for one in sessions):
        raise Unreadable(f"{path}: is not as V-Gate writes it: sessions must be a list of objects, each with its utc")
    return manifest
