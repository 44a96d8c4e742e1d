"""Secrets that are kept outside the configuration: in a file, or in a variable of the environment.

What is wrong is a ValueError that quotes nothing of them.
"""

import os
from pathlib import Path


def readable(path: str) -> str:
    """The text of a file; what is not UTF-8 in it is replaced."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def from_file(path: str) -> str:
    """The file's text without the white space around it."""
    text = readable(path).strip()
    if not text:
        raise ValueError("is empty")
    return text


def from_environment(name: str) -> str:
    """The variable's value."""
    text = os.environ.get(name)
    if not text:
        raise ValueError("is not set in the environment, or empty")
    return text
