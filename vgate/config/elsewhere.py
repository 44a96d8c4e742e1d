"""Secrets that are kept outside the configuration: in a file, or in a variable of the environment.

What is wrong is a ValueError that quotes nothing of them.
"""

import os
import re
from pathlib import Path

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def readable(path: str) -> str:
    """The text of a file; what is not UTF-8 in it is replaced."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError) as error:
        # What is no path may be the secret itself, so only a path is shown.
        shown = f" {path}" if "/" in path else ""
        raise ValueError(f"the file{shown} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def from_file(path: str) -> str:
    """The file's text without the white space around it."""
    text = readable(path).strip()
    if not text:
        raise ValueError("the file is empty")
    return text


def from_environment(name: str) -> str:
    """The variable's value."""
    text = os.environ.get(name)
    if not text:
        shown = f" {name}" if _VARIABLE.fullmatch(name) else ""
        raise ValueError(f"the variable{shown} is not set, or empty")
    return text
