"""Where a configured key comes from: from the configuration itself, a hash, a file, or the environment."""

import re
from collections.abc import Mapping
from typing import Any

from vgate.config.elsewhere import from_environment, from_file
from vgate.security.hashes import Scrypt, digest_of, parse

SOURCES = ("key", "hash", "key_file", "key_env")
_KEY = re.compile(r"[\x21-\x7e]+")


def plain(api_key: Mapping[str, Any]) -> str | None:
    """The key itself; None where only its hash is known. Raises ValueError that does not show it."""
    if api_key.get("key_file") is not None:
        return _checked(from_file(api_key["key_file"]), "the file")
    if api_key.get("key_env") is not None:
        return _checked(from_environment(api_key["key_env"]), "the variable")
    given = api_key.get("key")
    return None if given is None else str(given)


def kept(api_key: Mapping[str, Any]) -> bytes | Scrypt:
    """What is kept of it: its SHA-256 digest, or what scrypt was given. Raises ValueError."""
    key = plain(api_key)
    return parse(api_key["hash"]) if key is None else digest_of(key)


def _checked(key: str, where: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{where} must hold a key, printable ASCII without spaces, and nothing else")
    return key
