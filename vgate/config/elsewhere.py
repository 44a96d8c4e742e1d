"""Secrets that are kept outside the configuration: in a file, or in a variable of the environment.

What is wrong is a ValueError that quotes nothing of them.
"""

import os
import re
import stat

# Of a key, a token or a password; and of certificates, of which all authorities together are a fifth.
MOST_BYTES, MOST_OF_CERTIFICATES = 65536, 1 << 20
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def from_file(path: str) -> str:
    """The file's text without the white space around it."""
    try:
        text = _contents(path, MOST_BYTES).decode("utf-8").strip()
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not UTF-8 text") from None
    if not text:
        raise ValueError("the file is empty")
    return text


def from_environment(name: str) -> str:
    """The variable's value without the white space around it."""
    text = os.environ.get(name, "").strip()
    if not text:
        shown = f" {name}" if _VARIABLE.fullmatch(name) else ""
        raise ValueError(f"the variable{shown} is not set, or empty")
    return text


def readable(path: str) -> str:
    """The text of a file of certificates or of their key; what is not UTF-8 in it is replaced."""
    return _contents(path, MOST_OF_CERTIFICATES).decode("utf-8", "replace")


def _contents(path: str, most: int) -> bytes:
    """Of a regular file: a pipe may never say anything, and a device never end."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(most + 1) if regular else b""
    except (OSError, ValueError) as error:
        raise _unreadable(path, getattr(error, "strerror", None) or str(error)) from None
    if not regular:
        raise _unreadable(path, "it is not a regular file")
    if len(data) > most:
        raise _unreadable(path, f"it holds more than {most} bytes")
    return data


def _without_waiting(path: str, flags: int) -> int:
    """Opens a pipe into which nobody writes, too."""
    return os.open(path, flags | os.O_NONBLOCK)


def _unreadable(path: str, why: str) -> ValueError:
    """What is no path may be the secret itself, and base64 has slashes: only what looks like a path is shown."""
    begins = path.partition("/")[0]
    leads = begins in ("", ".", "..", "~") or os.path.isdir(begins)  # noqa: PTH112  Path's raises for a long name
    shown = leads and "/" in path and path.isprintable()
    return ValueError(f"the file{f' {path}' if shown else ''} cannot be read: {why}")
