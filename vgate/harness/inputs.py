"""Files that a load or workload is made from: what they hold is part of what is measured."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

PATHS = ("load.path", "workload.path", "workload.tokenizer")


def input_digests(container: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of the file that each of PATHS names in a resolved configuration; empty where none is named."""
    found = {}
    for key in PATHS:
        section, _, name = key.partition(".")
        value = container.get(section, {}).get(name)
        if value is not None:
            found[key] = _digest(_file(key, value))
    return found


def _file(key: str, value: str) -> Path:
    if key != "workload.tokenizer":
        return Path(value)
    from vgate.workload.tokenizer import find  # a library of its own

    return find(value)


def _digest(path: Path) -> str:
    state = path.stat()
    return _digest_as_of(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=16)
def _digest_as_of(path: Path, _changed_ns: int, _size: int) -> str:
    """Read once as long as the file stays what it was."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
