"""Where a configured key comes from: from the configuration itself, a hash, a file, or the environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vgate.security.hashes import Scrypt, digest_of, parse

SOURCES = ("key", "hash", "key_file", "key_env")
_KEY = re.compile(r"[\x21-\x7e]+")
_MOST_BYTES = 65536


def plain(api_key: Mapping[str, Any]) -> str | None:
    """The key itself; None where only its hash is known. Raises ValueError that does not show it."""
    if api_key.get("key_file") is not None:
        return from_file(api_key["key_file"])
    if api_key.get("key_env") is not None:
        return from_environment(api_key["key_env"])
    given = api_key.get("key")
    return None if given is None else str(given)


def kept(api_key: Mapping[str, Any]) -> bytes | Scrypt:
    """What is kept of it: its SHA-256 digest, or what scrypt was given. Raises ValueError."""
    key = plain(api_key)
    return parse(api_key["hash"]) if key is None else digest_of(key)


def from_file(path: str) -> str:
    """The key in a file, without white space around it."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(_MOST_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        # What is no path may be the key, so only a path is shown.
        shown = f" {path}" if "/" in path else ""
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ValueError(f"the file{shown} cannot be read: {why}") from None
    return _checked(text.strip(), "the file")


def from_environment(name: str) -> str:
    """The key in a variable."""
    # The same with a variable: what has other characters may be the key.
    shown = f" {name}" if re.fullmatch(r"[A-Z][A-Z0-9_]*", name) else ""
    if name not in os.environ:
        raise ValueError(f"the variable{shown} is not set")
    return _checked(os.environ[name].strip(), "the variable")


def _checked(key: str, where: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{where} must hold a key, printable ASCII without spaces, and nothing else")
    return key
